// How far a photo is zoomed in and moved. Knows numbers only.

export interface Zoom {
  scale: number;
  /** Where the photo's middle is, from the frame's, in pixels. */
  x: number;
  y: number;
}

export const WHOLE: Readonly<Zoom> = { scale: 1, x: 0, y: 0 };
export const MOST = 8;

/** Kept within the frame: no more than the photo's edge comes to the frame's. */
function kept({ scale, x, y }: Zoom, width: number, height: number): Zoom {
  const across = ((scale - 1) * width) / 2;
  const down = ((scale - 1) * height) / 2;
  return { scale, x: Math.min(across, Math.max(-across, x)), y: Math.min(down, Math.max(-down, y)) };
}

/** Zoomed so that the place at (x, y), from the frame's middle, stays where it is. */
export function zoomAt(zoom: Zoom, factor: number, x: number, y: number, width: number, height: number): Zoom {
  const scale = Math.min(MOST, Math.max(1, zoom.scale * factor));
  const by = scale / zoom.scale;
  return kept({ scale, x: x - (x - zoom.x) * by, y: y - (y - zoom.y) * by }, width, height);
}

export function pan(zoom: Zoom, x: number, y: number, width: number, height: number): Zoom {
  return kept({ ...zoom, x: zoom.x + x, y: zoom.y + y }, width, height);
}
