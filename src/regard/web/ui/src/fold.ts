// Photos that fit, then a line, then the less likely ones, folded away.

import { html } from "lit";
import type { Hit, SearchAnswer } from "./api.ts";
import { POSSIBLE, count } from "./format.ts";
import { isByDate, type View } from "./state.ts";

function isLikely({ match_probability: likely, is_read }: Hit): boolean {
  return is_read || likely !== null && likely >= POSSIBLE;
}

/** In their order, but for those that fit coming first: what ranks them is not all that tells how well. */
export function likelyFirst(hits: Hit[]): Hit[] {
  return [...hits.filter(isLikely), ...hits.filter((hit) => !isLikely(hit))];
}

/** How many photos fit, most likely; 0 where that is not to be told apart. */
export function likelyOf({ verdict }: Pick<SearchAnswer, "verdict">, hits: Hit[], view: View): number {
  return verdict?.good && !view.weights && !isByDate(view) ? hits.filter(isLikely).length : 0;
}

/** The heading before the less likely ones, where there are any beside those that fit. */
export function lineBefore(likely: number, shown: number) {
  return likely && likely < shown ? [{ start: likely, title: "Less likely" }] : [];
}

export function folded(photos: number, show: () => void) {
  return html`<div class="folded"><button class="quiet" type="button" @click=${show}>Show ${
    count(photos, "less likely photo")}</button></div>`;
}
