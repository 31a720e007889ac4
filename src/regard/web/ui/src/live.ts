// Keeps an eye on the server: how many photos it has, and whether it still answers.

import * as api from "./api.ts";

const EVERY_MS = 3000;

/**
 * Ask now and then, but not while nobody looks; returns how to stop.
 *
 * Told are the server's numbers, or null when it cannot be reached.
 */
export function watchServer(tell: (stats: api.Stats | null) => void): () => void {
  let timer = 0;
  let stopped = false;
  const look = async () => {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        tell(await api.stats());
      } catch (error) {
        if (api.asError(error).status === 0) tell(null); // a busy server is not a lost one
      }
    }
    if (!stopped) timer = window.setTimeout(look, EVERY_MS);
  };
  const onShown = () => void (document.hidden || look());
  document.addEventListener("visibilitychange", onShown);
  timer = window.setTimeout(look, EVERY_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onShown);
  };
}
