import { expect, it } from "vitest";
import type { SearchAnswer } from "../src/api.ts";
import { ordered, type List } from "../src/heading.ts";
import { BLANK } from "../src/state.ts";

const ANSWER = { total: 64, seconds: 0.004 } as SearchAnswer;
const LIST: List = { view: { ...BLANK, q: "a dog" }, answer: ANSWER, shown: 40, ended: false, dated: true };
const BY_DATE: List = { ...LIST, view: { ...LIST.view, sort: "date" } };

it.each([
  [LIST, "64 photos · 4 ms"],
  [{ ...LIST, view: BLANK }, "64 photos, newest first"],
  [{ ...LIST, view: BLANK, dated: false }, "64 photos"],
  [BY_DATE, "64 photos · 4 ms, the best of them newest first"],
  [{ ...BY_DATE, shown: 64, ended: true }, "64 photos · 4 ms, newest first"],
  [{ ...BY_DATE, shown: 2, ended: true }, "The 2 best matches of 64 photos, newest first"],
  [{ ...BY_DATE, shown: 1, ended: true }, "The best match of 64 photos, newest first"],
])("a list tells how it is ordered and what it leaves out", (list, told) => {
  expect(ordered(list)).toBe(told);
});
