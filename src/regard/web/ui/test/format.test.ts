import { expect, it } from "vitest";
import { count, day, duration, percent, score, strengthOf } from "../src/format.ts";

it("writes numbers as people do", () => {
  expect(score(-0.126)).toBe("−0.13");
  expect(score(-0.001)).toBe("0.00");
  expect(score(0.5, 3)).toBe("0.500");
  expect(percent(0)).toBe("0\u00a0%");
  expect(percent(0.001)).toBe("<1\u00a0%");
  expect(percent(0.999)).toBe(">99\u00a0%");
  expect(percent(0.425)).toBe("43\u00a0%");
  expect(count(1, "photo")).toBe("1 photo");
  expect(count(12345, "photo")).toBe("12,345 photos");
  expect(duration(0.0001)).toBe("1 ms");
  expect(duration(2.345)).toBe("2.3 s");
});

it("tells a match in a word, and nothing where nothing is known", () => {
  const told = [0.9, 0.5, 0.49, 0.25, 0.24, null].map((likely) => strengthOf({ match_probability: likely }));
  expect(told).toEqual(["strong", "strong", "possible", "possible", "weak", ""]);
});

it("writes dates, and nothing for none", () => {
  expect(day("2021-05-12T10:00:00")).toBe("12 May 2021");
  expect(day(null)).toBe("");
  expect(day("nonsense")).toBe("");
});
