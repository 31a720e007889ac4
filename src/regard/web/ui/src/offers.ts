// What the large view offers beside a photo: to keep it, to search by a part of it, to go back.

import { html, nothing } from "lit";
import type { ApiError } from "./api.ts";

/** In place of a photo that is not there; `again` offers to ask for it anew. */
export function missing(error: ApiError, again: unknown, back: () => void) {
  return html`<div class="missing"><h3>This photo cannot be shown.</h3><p role="alert">${error.message}
    ${again}</p><button class="primary" type="button" @click=${back}>Back to the photos</button></div>`;
}

/** The offer to keep an upload, and what came of it. */
export function keepOffer(state: { wrong: string; kept: string; keepable: boolean; keeping: boolean }, keep: () => void) {
  if (state.wrong) return html`<p class="problem" role="alert">${state.wrong}</p>`;
  if (state.kept) return html`<p class="kept" role="status">${state.kept}</p>`;
  if (!state.keepable) return nothing;
  return html`<div class="keep"><p>Forgotten after 15 minutes unless you keep it.</p>
    <button class="quiet" type="button" ?disabled=${state.keeping} @click=${keep}
      >${state.keeping ? "Saving…" : "Keep in my photos"}</button></div>`;
}

/** Words to search with beside the box that is drawn. */
export function partForm(send: (event: SubmitEvent) => void, cancel: () => void) {
  return html`<form class="part-form" @submit=${send}>
    <p class="note">Draw a box around what you look for, or move it with the arrow keys.</p>
    <div class="field"><label class="hidden" for="part-words">This, but … (optional)</label>
      <input id="part-words" maxlength="300" autocomplete="off" placeholder="optional: but in snow" />
      <button class="primary" type="submit">More of this</button>
      <button class="quiet" type="button" @click=${cancel}>Cancel</button></div></form>`;
}
