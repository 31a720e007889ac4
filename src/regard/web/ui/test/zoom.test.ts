import { expect, it } from "vitest";
import { MOST, WHOLE, pan, zoomAt } from "../src/zoom.ts";

it("keeps the place under the pointer where it is", () => {
  const zoom = zoomAt(WHOLE, 2, 100, -50, 800, 600);
  expect(zoom).toEqual({ scale: 2, x: -100, y: 50 });
  const again = zoomAt(zoom, 1.5, 100, -50, 800, 600);
  expect([again.x, again.y]).toEqual([-200, 100]);
});

it("never shows what lies beyond the photo", () => {
  const zoom = zoomAt(WHOLE, 2, 0, 0, 800, 600);
  expect(pan(zoom, 9999, -9999, 800, 600)).toEqual({ scale: 2, x: 400, y: -300 });
  expect(zoomAt(pan(zoom, 9999, 0, 800, 600), 0.1, 0, 0, 800, 600)).toEqual(WHOLE);
});

it("ends somewhere", () => {
  expect(zoomAt(WHOLE, 1000, 0, 0, 800, 600).scale).toBe(MOST);
});
