import { expect, it } from "vitest";
import type { Hit, Verdict } from "../src/api.ts";
import { likelyFirst, likelyOf, lineBefore } from "../src/fold.ts";
import { BLANK } from "../src/state.ts";

const HITS = [0.24, 0.9, 0.01, 0.25, null].map((likely) => ({ match_probability: likely }) as Hit);
const FOUND = { verdict: { good: true } as Verdict };

it("photos that fit come first, in their order", () => {
  expect(likelyFirst(HITS).map(({ match_probability: likely }) => likely)).toEqual([0.9, 0.25, 0.24, 0.01, null]);
});

it("so do those in which all was read that was asked for", () => {
  const read = { match_probability: 0.01, is_read: true } as Hit;
  expect(likelyFirst([read, ...HITS])[0]).toBe(read);
  expect(likelyOf(FOUND, [read, ...HITS], { ...BLANK, q: "exit" })).toBe(3);
});

it("they are told apart where the search found something and nothing else orders them", () => {
  expect(likelyOf(FOUND, HITS, { ...BLANK, q: "bus" })).toBe(2);
  expect(likelyOf({ verdict: { good: false } as Verdict }, HITS, { ...BLANK, q: "bus" })).toBe(0);
  expect(likelyOf({ verdict: null }, HITS, { ...BLANK, q: "bus" })).toBe(0);
  expect(likelyOf(FOUND, HITS, { ...BLANK, q: "bus", weights: [1, 2] })).toBe(0);
  expect(likelyOf(FOUND, HITS, { ...BLANK, q: "bus", sort: "date" })).toBe(0);
});

it("the line stands only between two kinds", () => {
  expect(lineBefore(2, 5)).toEqual([{ start: 2, title: "Less likely" }]);
  expect([lineBefore(5, 5), lineBefore(0, 5)]).toEqual([[], []]);
});
