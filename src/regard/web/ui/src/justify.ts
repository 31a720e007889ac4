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
 * full, keeps the wanted height and is left open on the right.
 */
export function justify(aspects: number[], width: number, rowHeight: number, gap: number): Layout {
  const places: Place[] = [];
  let y = 0;
  let start = 0;
  while (start < aspects.length) {
    const { end, height } = closeRow(aspects, start, width, rowHeight, gap);
    let x = 0;
    for (let item = start; item < end; item++) {
      const itemWidth = aspects[item]! * height;
      places.push({ x, y, width: itemWidth, height });
      x += itemWidth + gap;
    }
    y += height + gap;
    start = end;
  }
  return { places, height: Math.max(0, y - gap) };
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
