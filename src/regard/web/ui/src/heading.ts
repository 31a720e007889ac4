// What stands above the photos: how many there are, in which order, and whether any of them fits.

import { html, nothing } from "lit";
import type { SearchAnswer, Verdict } from "./api.ts";
import { count, duration, percent } from "./format.ts";
import { UNFILTERED, isByDate, type View } from "./state.ts";
import { styleOf } from "./style-of.ts";

const SKELETON = [4, 3, 2, 4, 3, 4, 3, 4, 2, 4, 3, 4]; // widths of the tiles that stand in at first

/** A list of photos and what it was asked with. */
export interface List {
  view: View;
  answer: SearchAnswer;
  shown: number;
  /** Whether there is no further page. */
  ended: boolean;
  /** Whether photos of the index have dates. */
  dated: boolean;
}

type Go = (change: Partial<View>, replace?: boolean) => void;

/** Before there is any list. */
export function waiting(busy: boolean) {
  return html`<p class="status" role="status">${busy ? "Looking …" : ""}</p>
    ${busy ? html`<div class="skeleton" aria-hidden="true">${SKELETON.map((wide) =>
      html`<i ${styleOf({ "flex-grow": String(wide) })}></i>`)}</div>` : nothing}`;
}

/** Above a list; `busy` while another one is awaited, `failed` when that one did not come. */
export function heading(list: List, { busy, failed }: { busy: boolean; failed: boolean }, go: Go) {
  const { answer, view } = list;
  if (failed && !busy) return html`<p class="status" role="status">Below is what was there before: ${was(view)}.</p>`;
  const verdict = answer.verdict?.good === false ? noMatch(answer.verdict) : nothing;
  if (busy) return html`${verdict}<p class="status" role="status">Looking …</p>`;
  return html`${verdict}
    ${answer.total ? nothing : html`<div class="no-match" role="status"><h1>No photo passes these filters.</h1>
      <p><button class="link" type="button" @click=${() => go(UNFILTERED)}>Clear the filters</button> to look at
      all.</p></div>`}
    <p class="status" role="status">${answer.total ? ordered(list) : nothing}
      ${isByDate(view) ? html` · <button class="link" type="button"
        @click=${() => go({ sort: "relevance" })}>Best match first</button>` : nothing}
      ${view.weights ? html` · weighted <button class="link" type="button"
        @click=${() => go({ weights: null }, true)}>reset</button>` : nothing}</p>`;
}

/** How many photos there are, and in which order. */
export function ordered({ answer, view, shown, ended, dated }: List): string {
  const total = count(answer.total, "photo");
  if (!view.q) return `${total}${dated ? ", newest first" : ""}`;
  const ranked = `${total} ranked in ${duration(answer.seconds)}`;
  if (!isByDate(view)) return ranked;
  if (!ended) return `${ranked}, the best of them newest first`;
  if (shown >= answer.total) return `${ranked}, newest first`;
  return `${shown === 1 ? "1 photo fits" : `${shown} photos fit`} best of ${answer.total}, newest first`;
}

function was(view: View): string {
  return view.q ? `the photos for “${view.q}”` : "the newest photos";
}

export function empty() {
  return html`<div class="no-match" role="status"><h1>There are no photos here yet.</h1>
    <p>Index a folder with <code>regard index PHOTOS</code>; they appear here by themselves.</p></div>`;
}

function noMatch({ probability }: Verdict) {
  return html`<div class="no-match" role="status"><h1>No good match</h1>
    <p>These photos come nearest${probability === null ? nothing
      : html`; the model gives ${percent(probability)} that one of them fits`}.</p></div>`;
}
