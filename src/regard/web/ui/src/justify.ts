// Rows of photos that end flush on both sides. Knows widths and heights only.

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  places: Place[];
  height: number;
  /** Tops of the headings among them. */
  lines: number[];
}

const NARROWEST = 0.45;
const WIDEST = 3.2;

/** Width over height, kept within what can still be looked at in a row. */
export function shownAspect(width: number, height: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, width / Math.max(height, 1)));
}

/**
 * Place photos in rows of nearly the wanted height.
 *
 * A row is closed where its height comes nearest to the wanted one; the last row, when it is not
 * full, keeps the wanted height and is left open on the right. A heading, `line` pixels high, ends
 * a row, too: before each of the photos in `starts`.
 */
export function justify(aspects: number[], width: number, rowHeight: number, gap: number, starts: number[] = [],
  line = 0): Layout {
  const places: Place[] = [];
  const lines: number[] = [];
  let y = 0;
  let start = 0;
  while (start < aspects.length) {
    if (starts.includes(start)) {
      lines.push(y);
      y += line;
    }
    const most = Math.min(aspects.length, ...starts.filter((other) => other > start));
    const { end, height } = closeRow(aspects.slice(0, most), start, width, rowHeight, gap);
    let x = 0;
    for (let item = start; item < end; item++) {
      const itemWidth = aspects[item]! * height;
      places.push({ x, y, width: itemWidth, height });
      x += itemWidth + gap;
    }
    y += height + gap;
    start = end;
  }
  return { places, height: Math.max(0, y - gap), lines };
}

/** Where the row that begins at `start` ends, and how high it becomes. */
function closeRow(aspects: number[], start: number, width: number, rowHeight: number, gap: number) {
  let sum = 0;
  let previous = Infinity;
  for (let end = start; end < aspects.length; end++) {
    sum += aspects[end]!;
    const height = (width - gap * (end - start)) / sum;
    if (height <= rowHeight) {
      const without = end > start && previous - rowHeight < rowHeight - height;
      return without ? { end, height: previous } : { end: end + 1, height };
    }
    previous = height;
  }
  return { end: aspects.length, height: Math.min(previous, rowHeight) };
}

const SIZES = [240, 320, 640] as const;
const SHARP = 0.85; // of the pixels of a screen that a picture must have for a tile

/** Height of the smallest picture that is sharp enough for a tile of so many pixels of the screen. */
export function sizeFor(pixels: number): (typeof SIZES)[number] {
  return SIZES.find((size) => size >= SHARP * pixels) ?? 640;
}
