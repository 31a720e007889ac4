import { describe, expect, it } from "vitest";
import { sizeFor, justify, shownAspect } from "../src/justify.ts";

const ASPECTS = [1.5, 0.66, 1.5, 1, 1.78, 0.75, 1.33, 3, 0.5, 1.5, 1.5, 1.2];

describe("rows", () => {
  it.each([320, 700, 1200, 2000])("end flush at a width of %i", (width) => {
    const { places, height } = justify(ASPECTS, width, 200, 6);
    const rows = new Map<number, number>();
    for (const place of places) rows.set(place.y, Math.max(rows.get(place.y) ?? 0, place.x + place.width));
    const ends = [...rows.values()];
    for (const end of ends.slice(0, -1)) expect(end).toBeCloseTo(width, 6);
    expect(ends[ends.length - 1]).toBeLessThanOrEqual(width + 1e-6);
    expect(height).toBeCloseTo(Math.max(...places.map((place) => place.y + place.height)), 6);
  });

  it("keep every photo's shape and order", () => {
    const { places } = justify(ASPECTS, 1000, 180, 4);
    places.forEach((place, item) => expect(place.width / place.height).toBeCloseTo(ASPECTS[item]!, 6));
    for (let item = 1; item < places.length; item++) {
      const [before, here] = [places[item - 1]!, places[item]!];
      expect(here.y > before.y || here.x > before.x).toBe(true);
    }
  });

  it("are about as high as asked", () => {
    const many = Array.from({ length: 60 }, (_, item) => ASPECTS[item % ASPECTS.length]!);
    for (const place of justify(many, 1400, 200, 6).places) {
      expect(place.height).toBeGreaterThan(140);
      expect(place.height).toBeLessThan(280);
    }
  });

  it("do not blow up a lonely photo", () => {
    expect(justify([1.5], 1200, 200, 6).places).toEqual([{ x: 0, y: 0, width: 300, height: 200 }]);
    expect(justify([], 1200, 200, 6)).toEqual({ places: [], height: 0, lines: [] });
  });
});

it("bounds how wide or narrow a photo may become", () => {
  expect(shownAspect(10000, 100)).toBe(3.2);
  expect(shownAspect(100, 10000)).toBe(0.45);
  expect(shownAspect(300, 200)).toBe(1.5);
});

it("begins a row after a heading, which has its place", () => {
  const { places, lines, height } = justify([1, 1, 1], 400, 100, 6, [0, 2], 50);
  expect(lines).toEqual([0, 156]);
  expect(places.map(({ x, y }) => [x, y])).toEqual([[0, 50], [106, 50], [0, 206]]);
  expect(height).toBe(306);
});

it.each([[132, 240], [216, 240], [280, 240], [324, 320], [432, 640], [2000, 640]])(
  "a tile of %i pixels has a picture of %i", (pixels, size) => expect(sizeFor(pixels)).toBe(size));
