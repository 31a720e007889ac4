// One photo after the other, by itself.

const EVERY_MS = 4000;

/** Call `next` now and then until it says that there is none; returns how to stop. */
export function startShow(next: () => boolean, ended: () => void): () => void {
  const timer = window.setInterval(() => {
    if (next()) return;
    clearInterval(timer);
    ended();
  }, EVERY_MS);
  return () => clearInterval(timer);
}
