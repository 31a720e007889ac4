// Where words looked in the photos of a list: asked for as these come into view, some at a time.

import { explanations, type Hit, type Maps } from "./api.ts";
import { BLANK, type View } from "./state.ts";

const AFTER_MS = 60; // so that photos that come into view together are asked for together
const MOST = 16; // photos at a time, so that the first need not wait for the last

export class Looks {
  private of: View = BLANK; // the query that they are of
  private known = new Map<string, Maps>();
  private asked = new Set<string>();
  private waiting: string[] = [];
  private asking = false;
  private requests = new AbortController();

  /** `came` is told when there are more. */
  constructor(private came: () => void) {}

  /** Give photos of a query what is known of them; what is known of another query is forgotten. */
  fill(view: View, hits: Hit[]): Hit[] {
    const { q, like, box } = view;
    if (q !== this.of.q || like !== this.of.like || box !== this.of.box) {
      this.requests.abort();
      this.requests = new AbortController();
      this.of = view;
      this.known.clear();
      this.asked.clear();
      this.waiting = [];
      this.asking = false;
    }
    for (const hit of hits) hit.maps = this.known.get(hit.photo.id) ?? null;
    return hits;
  }

  /** Ask for those of some photos, each once. */
  want(ids: string[]) {
    for (const id of ids) {
      if (this.asked.has(id)) continue;
      this.asked.add(id);
      this.waiting.push(id);
    }
    if (this.asking || !this.waiting.length) return;
    this.asking = true;
    const { requests } = this;
    setTimeout(() => void this.ask(requests.signal), AFTER_MS);
  }

  private async ask(signal: AbortSignal) {
    while (this.waiting.length && !signal.aborted) {
      const ids = this.waiting.splice(0, MOST);
      try {
        const { photos } = await explanations(this.of, ids, signal);
        for (const { id, maps } of photos) this.known.set(id, maps);
        this.came();
      } catch {
        if (!signal.aborted) for (const id of ids) this.asked.delete(id); // until they are wanted again
      }
    }
    if (!signal.aborted) this.asking = false;
  }
}
