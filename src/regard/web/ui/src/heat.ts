// From numbers over boxes to a small grid of heat, and from heat to colour.

/** Cells on the longer side; the browser scales the grid up smoothly. */
export const CELLS = 32;

export interface Grid {
  columns: number;
  rows: number;
  /** 0 to 1, row by row. */
  values: Float32Array;
}

export function gridSize(aspect: number): { columns: number; rows: number } {
  return aspect >= 1
    ? { columns: CELLS, rows: Math.max(4, Math.round(CELLS / aspect)) }
    : { columns: Math.max(4, Math.round(CELLS * aspect)), rows: CELLS };
}

/** A Gaussian along one axis: one half of the box is one deviation. */
function bump(from: number, to: number, cells: number): Float32Array {
  const middle = (from + to) / 2;
  const deviation = Math.max((to - from) / 2, 0.5 / 1000);
  return Float32Array.from({ length: cells }, (_, cell) =>
    Math.exp(-0.5 * (((cell + 0.5) / cells - middle) / deviation) ** 2));
}

/**
 * A smooth map over the photo, 0 to 1, as `regard.explain.maps.heat_map` makes it.
 *
 * Every region adds a Gaussian as wide and high as its box, times its heat.
 */
export function heatGrid(boxes: number[][], heat: ArrayLike<number>, aspect: number): Grid {
  const { columns, rows } = gridSize(aspect);
  const values = new Float32Array(columns * rows);
  boxes.forEach((box, region) => {
    const weight = heat[region] ?? 0;
    if (weight <= 0) return;
    const across = bump(box[0]!, box[2]!, columns);
    const down = bump(box[1]!, box[3]!, rows);
    for (let row = 0; row < rows; row++) {
      const rowWeight = weight * down[row]!;
      for (let column = 0; column < columns; column++)
        values[row * columns + column]! += rowWeight * across[column]!;
    }
  });
  return { columns, rows, values: spread(values) };
}

/** Stretch to 0..1: the coolest place 0, the hottest 1; all alike becomes all one. */
export function spread(values: Float32Array): Float32Array {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high - low;
  return range > 1e-6 * Math.abs(high) ? values.map((value) => (value - low) / range) : values.fill(1);
}

const BRIGHT = Math.sqrt(0.4); // heat from which on a place is outlined

/**
 * The line around the bright part of a map, as an SVG path over a square of side 1.
 *
 * Marching squares: every square of four neighbouring cells is crossed where the heat passes the
 * threshold, found by proportion. Cells at the edge are repeated outside, so that lines reach it.
 */
export function outline({ columns, rows, values }: Grid): string {
  const at = (column: number, row: number) =>
    values[clamp(row, rows) * columns + clamp(column, columns)]! - BRIGHT;
  const parts: string[] = [];
  for (let row = -1; row < rows; row++) {
    for (let column = -1; column < columns; column++) {
      const bright = at(column, row) > 0;
      if (bright === at(column + 1, row) > 0 && bright === at(column, row + 1) > 0
        && bright === at(column + 1, row + 1) > 0) continue; // most are not crossed
      const corners = CORNERS.map(([x, y]) => [column + x, row + y, at(column + x, row + y)] as const);
      const crossed = corners.flatMap((from, side) => {
        const to = corners[(side + 1) % 4]!;
        if (from[2] > 0 === to[2] > 0) return [];
        const part = from[2] / (from[2] - to[2]);
        return [place(from[0] + (to[0] - from[0]) * part, columns)
          + " " + place(from[1] + (to[1] - from[1]) * part, rows)];
      });
      for (let end = 1; end < crossed.length; end += 2) parts.push(`M${crossed[end - 1]}L${crossed[end]}`);
    }
  }
  return parts.join("");
}

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]] as const;

function clamp(cell: number, cells: number): number {
  return Math.min(cells - 1, Math.max(0, cell));
}

/** The middle of a cell, or a place between two, as a part of the whole. */
function place(cell: number, cells: number): string {
  return Math.min(1, Math.max(0, (cell + 0.5) / cells)).toFixed(4);
}

/** The smallest box around a place, the nearest centre deciding between equals; -1 for none. */
export function regionAt(boxes: number[][], x: number, y: number): number {
  let best = -1;
  let bestArea = Infinity;
  let bestDistance = Infinity;
  boxes.forEach((box, region) => {
    const [left, top, right, bottom] = box as [number, number, number, number];
    if (x < left || x > right || y < top || y > bottom) return;
    const area = (right - left) * (bottom - top);
    const distance = Math.hypot(x - (left + right) / 2, y - (top + bottom) / 2);
    if (area < bestArea - 1e-4 || (area < bestArea + 1e-4 && distance < bestDistance)) {
      best = region;
      bestArea = area;
      bestDistance = distance;
    }
  });
  return best;
}

const STEPS = 256; // of heat that have a colour each
const LEAST = 0.4; // light of a word that adds nothing, against one that adds most
const VEIL = [9, 12, 20, 96] as const; // where the word did not look: dimmed
const GLOW = [255, 170, 40, 36] as const; // where it looked most: clear, with a breath of amber

/** Colours of heat from 0 to 1: a veil that opens, and a glow where it is hottest. */
const COLOURS = Uint8ClampedArray.from({ length: 4 * STEPS }, (_, at) => {
  const heat = Math.floor(at / 4) / (STEPS - 1);
  const glow = heat ** 3 * GLOW[3];
  const alpha = (1 - heat) ** 1.6 * VEIL[3] + glow;
  const channel = at % 4;
  return channel === 3 ? alpha : VEIL[channel]! + ((GLOW[channel]! - VEIL[channel]!) * glow) / alpha;
});

/** Write heat as colours. */
export function paint(values: Float32Array, importance: number, pixels: Uint8ClampedArray): void {
  const light = LEAST + (1 - LEAST) * importance;
  for (let cell = 0; cell < values.length; cell++) {
    const heat = light * values[cell]! ** 2; // squared, as in the figure
    const at = 4 * Math.round(heat * (STEPS - 1));
    for (let channel = 0; channel < 4; channel++) pixels[4 * cell + channel] = COLOURS[at + channel]!;
  }
}

/** A map as it is put on the screen. */
export interface Drawing {
  image: ImageData;
  /** Around its bright part (`outline`). */
  line: string;
}

/** The map of some heat, a word that matters less being darker. */
export function drawingOf(boxes: number[][], heat: ArrayLike<number>, importance: number, aspect: number): Drawing {
  const grid = heatGrid(boxes, heat, aspect);
  const image = new ImageData(grid.columns, grid.rows);
  paint(grid.values, importance, image.data);
  return { image, line: outline(grid) };
}
