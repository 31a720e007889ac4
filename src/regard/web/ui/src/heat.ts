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

const FITS = 0.4; // squared heat from which on a place is bright

/**
 * The region whose box covers the bright part of a map best (intersection over union), as
 * `regard.explain.maps.best_region` finds it and the figure frames it; -1 without regions.
 */
export function bestRegion({ columns, rows, values }: Grid, boxes: number[][]): number {
  const bright: [number, number][] = [];
  values.forEach((value, cell) => {
    if (value ** 2 > FITS)
      bright.push([((cell % columns) + 0.5) / columns, (Math.floor(cell / columns) + 0.5) / rows]);
  });
  let best = -1;
  let most = -1;
  boxes.forEach(([left, top, right, bottom], region) => {
    const cells = centresIn(left!, right!, columns) * centresIn(top!, bottom!, rows);
    const inside = bright.filter(([x, y]) => x >= left! && x < right! && y >= top! && y < bottom!).length;
    const fit = inside / Math.max(1, cells + bright.length - inside);
    if (fit > most) [best, most] = [region, fit];
  });
  return best;
}

/** How many cells have their middle between two places. */
function centresIn(from: number, to: number, cells: number): number {
  let inside = 0;
  for (let cell = 0; cell < cells; cell++) {
    const middle = (cell + 0.5) / cells;
    if (middle >= from && middle < to) inside++;
  }
  return inside;
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

const LEAST = 0.4; // light of a word that adds nothing, against one that adds most
const VEIL = [9, 12, 20, 178] as const; // where the word did not look: dark, nearly hidden
const GLOW = [255, 170, 40, 62] as const; // where it looked most: clear, with a breath of amber

/** Write heat as colours: a veil that opens, and a glow where it is hottest. */
export function paint(values: Float32Array, importance: number, pixels: Uint8ClampedArray): void {
  const light = LEAST + (1 - LEAST) * importance;
  for (let cell = 0; cell < values.length; cell++) {
    const heat = light * values[cell]! ** 2; // squared, as in the figure
    const veil = (1 - heat) ** 1.6 * VEIL[3];
    const glow = heat ** 3 * GLOW[3];
    const alpha = veil + glow;
    const part = alpha > 0 ? glow / alpha : 0;
    for (let channel = 0; channel < 3; channel++)
      pixels[cell * 4 + channel] = VEIL[channel]! + (GLOW[channel]! - VEIL[channel]!) * part;
    pixels[cell * 4 + 3] = alpha;
  }
}

/** Move values a part of the way to others. */
export function blend(from: Float32Array, to: Float32Array, part: number): Float32Array {
  return to.map((value, cell) => from[cell]! + (value - from[cell]!) * part);
}
