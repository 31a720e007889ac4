// What stands above the photos: how many there are, in which order, and whether any of them fits.

import { html, nothing } from "lit";
import type { SearchAnswer } from "./api.ts";
import { count, duration } from "./format.ts";
import { UNFILTERED, filterCount, isByDate, isSearch, type View } from "./state.ts";
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
export function waiting(busy: boolean, stop: () => void) {
  return html`${searching(busy, stop)}
    ${busy ? html`<div class="skeleton" aria-hidden="true">${SKELETON.map((wide) =>
      html`<i ${styleOf({ "flex-grow": String(wide) })}></i>`)}</div>` : nothing}`;
}

/** That an answer is awaited, and how to wait no longer. */
function searching(busy: boolean, stop: () => void) {
  return html`<p class="status" role="status">${busy ? html`Searching… <button class="link late" type="button"
    @click=${stop}>Stop</button>` : nothing}</p>`;
}

/** Above a list; `busy` while another one is awaited, `failed` when that one did not come. */
export function heading(list: List, { busy, failed }: { busy: boolean; failed: boolean }, go: Go, stop: () => void,
  saving: { on: boolean; turn: (on: boolean) => void } | null) {
  const { answer, view } = list;
  const title = isSearch(view) || view.dup || filterCount(view) ? html`<h1 class="hidden">${titleOf(view)}</h1>` : nothing;
  if (failed && !busy) return html`${title}<p class="status" role="status">Still showing ${was(view)}.</p>`;
  const verdict = answer.verdict?.good === false ? NO_MATCH : nothing;
  if (busy) return html`${title}${verdict}${searching(busy, stop)}`;
  return html`${title}${verdict}
    ${answer.total ? nothing : html`<div class="no-match" role="status"><h2>${view.dup ? "No two photos are nearly the same." : "No photo passes these filters."}</h2>
      <p>${answer.time || answer.tone ? "Remove a filter above" : html`<button class="link" type="button"
        @click=${() => go({ ...UNFILTERED, dup: false })}>${view.dup ? "Go back" : "Clear the filters"}</button>`} to see
      more.</p></div>`}
    <p class="status" role="status">${answer.total ? ordered(list) : nothing}
      ${isByDate(view) ? html` · <button class="link" type="button"
        @click=${() => go({ sort: "relevance" })}>Best match first</button>` : nothing}
      ${view.weights ? html` · weighted <button class="link" type="button"
        @click=${() => go({ weights: null }, true)}>reset</button>` : nothing}
      ${saving ? html` · <button class="link" type="button" aria-pressed=${saving.on ? "true" : "false"}
        @click=${() => saving.turn(!saving.on)}>${saving.on ? "Saved" : "Save this search"}</button>` : nothing}</p>`;
}

/** What a list of photos found is of. */
export function titleOf(view: View): string {
  if (view.dup) return "Near-duplicates";
  const like = view.box ? "Photos like part of another" : view.like ? "Photos like another" : "Photos";
  return view.q ? `${like} for “${view.q}”` : like;
}

/** How many photos there are, and in which order. */
export function ordered({ answer, view, shown, ended, dated }: List): string {
  const total = count(answer.total, "photo");
  if (view.dup) return `${total} with near-duplicates; nothing is ever deleted`;
  if (!isSearch(view)) return `${total}${dated ? ", newest first" : ""}`;
  const ranked = `${total} · ${duration(answer.seconds)}`;
  if (!isByDate(view)) return ranked;
  if (!ended) return `${ranked}, the best of them newest first`;
  if (shown >= answer.total) return `${ranked}, newest first`;
  return `The ${shown === 1 ? "best match" : `${shown} best matches`} of ${total}, newest first`;
}

function was(view: View): string {
  if (view.like) return "the photos like another";
  return view.q ? `the photos for “${view.q}”` : "the newest photos";
}

export function empty(command: string) {
  return html`<div class="no-match" role="status"><h1>There are no photos here yet.</h1>
    <p>Index a folder with <code>${command}</code> and its photos appear here.</p></div>`;
}

const NO_MATCH = html`<div class="no-match" role="status"><h2>No sure match</h2>
  <p>These photos come nearest. What you are looking for may be among them.</p></div>`;

/** Photos that came while the page was open. */
export function fresh(photos: number, show: () => void) {
  return html`<p class="fresh" role="status">${photos > 0 ? html`<button class="quiet" type="button"
    @click=${show}>${count(photos, "new photo")} – show ${photos === 1 ? "it" : "them"}</button>` : nothing}</p>`;
}
