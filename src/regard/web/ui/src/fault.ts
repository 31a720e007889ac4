// Why the list asked for is not there, and what the reader can do about it.

import { html, nothing } from "lit";
import type { ApiError } from "./api.ts";
import { UNFILTERED, filterCount, type View } from "./state.ts";

/** That the server is gone; the page asks for it again by itself. */
export function lost(retry: () => void) {
  return html`<div class="problem" role="alert">The server cannot be reached. Check that “regard serve” is still
    running; this page reconnects by itself. <button class="link" type="button" @click=${retry}>Try again</button></div>`;
}

/** What went wrong beside the list, until it is put away. */
export function notice(text: string, dismiss: () => void) {
  return text ? html`<p class="problem" role="alert">${text}
    <button class="link" type="button" @click=${dismiss}>Dismiss</button></p>` : nothing;
}

export function fault(error: ApiError, view: View, retry: () => void, go: (change: Partial<View>) => void) {
  return html`<div class="problem" role="alert">${error.message}
    ${error.passes ? html`<button class="link" type="button" @click=${retry}>Try again</button>` : nothing}
    ${error.status === 422 && view.weights ? html`<button class="link" type="button"
      @click=${() => go({ weights: null })}>Reset weights</button>` : nothing}
    ${filterCount(view) ? html`<button class="link" type="button"
      @click=${() => go(UNFILTERED)}>Clear filters</button>` : nothing}</div>`;
}
