import { expect, it } from "vitest";
import { badge, count, day, duration, percent, score } from "../src/format.ts";

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

it("shows a probability where there is one", () => {
  const rated = { similarity: 0.4, probability: null, match_probability: null };
  expect(badge(rated)).toBe("0.40");
  expect(badge({ ...rated, probability: 0.9 })).toBe("90\u00a0%");
  expect(badge({ ...rated, probability: 0.9, match_probability: 0.3 })).toBe("30\u00a0%");
});

it("writes dates, and nothing for none", () => {
  expect(day("2021-05-12T10:00:00")).toBe("12 May 2021");
  expect(day(null)).toBe("");
  expect(day("nonsense")).toBe("");
});
