// A rubber band: what lies in a box that the mouse draws over tiles.

const LEAST = 8; // pixels to move before a press is a band and no click

export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Let the mouse draw boxes on an element; told of each as it grows, and null at its end. */
export function watchBand(element: HTMLElement, tell: (rect: Rect | null) => void): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  let from: { x: number; y: number } | null = null;
  let drawn = false;
  const place = ({ clientX, clientY }: MouseEvent) => {
    const frame = element.getBoundingClientRect();
    return { x: clientX - frame.left, y: clientY - frame.top };
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) from = place(event);
    drawn = false;
  }, { signal });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = place(event);
    drawn ||= Math.hypot(to.x - from.x, to.y - from.y) > LEAST;
    if (drawn)
      tell({ left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.min(from.y, to.y),
        bottom: Math.max(from.y, to.y) });
  }, { signal });
  addEventListener("pointerup", () => {
    if (from && drawn) tell(null);
    from = null;
  }, { signal });
  element.addEventListener("click", (event) => {
    if (!drawn) return;
    event.preventDefault(); // the end of a band is no click on what lies below
    event.stopPropagation();
    drawn = false;
  }, { signal, capture: true });
  element.addEventListener("dragstart", (event) => event.preventDefault(), { signal });
  return () => gone.abort();
}
