import { describe, expect, it } from "vitest";
import golden from "./heat.golden.json";
import { gridSize, heatGrid, outline, paint, regionAt, spread } from "../src/heat.ts";

const LEFT = [0, 0, 0.5, 1];
const RIGHT = [0.5, 0, 1, 1];

describe("heat", () => {
  it.each(golden.cases.map((one, number) => [number, one] as const))(
    "is the map Python makes, case %i", (_, { boxes, heat, aspect, columns, rows, values }) => {
      const grid = heatGrid(boxes, heat, aspect);
      expect([grid.columns, grid.rows]).toEqual([columns, rows]);
      values.forEach((value, cell) => expect(grid.values[cell]).toBeCloseTo(value, 4));
    },
  );

  it("lies where the attention is", () => {
    const { values, columns, rows } = heatGrid([LEFT, RIGHT], [0.1, 1], 1);
    const middle = Math.floor(rows / 2) * columns;
    expect(values[middle + columns - 8]).toBeGreaterThan(values[middle + 8]!);
  });

  it("is outlined where it is bright, up to the photo's edge", () => {
    const grid = heatGrid([LEFT, RIGHT], [0, 1], 1);
    const line = outline(grid);
    const ends = [...line.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(Math.min(...ends.map(([x]) => x!))).toBeGreaterThan(0.3);
    expect(ends.some(([x]) => x! > 0.99)).toBe(true);
    for (const [x, y] of ends.filter(([x, y]) => x! < 0.95 && y! > 0.05 && y! < 0.95)) {
      const cell = (place: number) => Math.min(31, Math.floor(place * 32));
      const near = grid.values[cell(y!) * 32 + cell(x!)]!;
      expect(Math.abs(near - Math.sqrt(0.4))).toBeLessThan(0.12);
    }
  });

  it("has no outline where all is alike", () => {
    expect(outline({ columns: 4, rows: 4, values: new Float32Array(16).fill(1) })).toBe("");
  });

  it("is even where nothing tells one place from another", () => {
    expect([...spread(new Float32Array([2, 2, 2]))]).toEqual([1, 1, 1]);
    expect([...spread(new Float32Array([1, 2, 3]))]).toEqual([0, 0.5, 1]);
  });

  it("keeps the photo's shape", () => {
    expect(gridSize(2)).toEqual({ columns: 32, rows: 16 });
    expect(gridSize(0.5)).toEqual({ columns: 16, rows: 32 });
    expect(gridSize(100).rows).toBe(4);
  });
});

describe("the region in hand", () => {
  const boxes = [[0, 0, 1, 1], [0, 0, 0.4, 0.4], [0.2, 0.2, 0.6, 0.6]];
  it("is the smallest around the place, the nearer of equals", () => {
    expect(regionAt(boxes, 0.1, 0.1)).toBe(1);
    expect(regionAt(boxes, 0.38, 0.38)).toBe(2);
    expect(regionAt(boxes, 0.9, 0.9)).toBe(0);
    expect(regionAt(boxes.slice(1), 0.9, 0.9)).toBe(-1);
  });
});

describe("colours", () => {
  const of = (heat: number, importance: number) => {
    const pixels = new Uint8ClampedArray(4);
    paint(new Float32Array([heat]), importance, pixels);
    return pixels;
  };

  it("veil what is cold and clear what is hot", () => {
    expect(of(0, 1)[3]).toBeGreaterThan(80);
    expect(of(0, 1)[3]).toBeLessThan(120); // what lies there can still be made out
    expect(of(1, 1)[3]).toBeLessThan(70);
    expect(of(1, 1)[0]).toBeGreaterThan(of(0, 1)[0]!);
  });

  it("stay darker for a word that matters little", () => {
    expect(of(1, 0)[3]).toBeGreaterThan(of(1, 1)[3]!);
  });
});
