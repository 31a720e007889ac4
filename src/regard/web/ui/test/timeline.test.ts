import { expect, it } from "vitest";
import type { Hit, Month } from "../src/api.ts";
import { monthName, monthsOf, offsetOf } from "../src/timeline.ts";

const hits = (...taken: (string | null)[]) => taken.map((when) => ({ photo: { taken: when } }) as Hit);
const MONTHS: Month[] = [
  { month: "2021-05", photos: 3, offset: 0 }, { month: "2020-12", photos: 4, offset: 3 }, { month: null, photos: 2, offset: 7 }];

it("a month is named", () => {
  expect([monthName("2021-05"), monthName(null)]).toEqual(["May 2021", "No date"]);
});

it("every month has a heading before its first photo, where photos have dates", () => {
  expect(monthsOf(hits("2021-05-03T10:00:00", "2021-05-01T09:00:00", "2020-12-31T23:59:00", null))).toEqual([
    { start: 0, title: "May 2021" }, { start: 2, title: "December 2020" }, { start: 3, title: "No date" }]);
  expect(monthsOf(hits(null, null))).toEqual([]);
});

it("a month begins at its place, one without photos at the next older", () => {
  expect(["", "2021-05", "2021-01", "2020-12", "1999-01"].map((at) => offsetOf(MONTHS, at))).toEqual([0, 0, 3, 3, 0]);
});
