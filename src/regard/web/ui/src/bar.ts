// The bar at the top: the sentence, filters, a photo of one's own, the theme, help.

import { html, nothing } from "lit";
import * as icons from "./icons.ts";
import { filterCount, type View } from "./state.ts";
import type { Thing } from "./api.ts";
import { kept, offers } from "./searches.ts";
import { flipTheme, theme } from "./theme.ts";

/** What the bar is told to do. */
export interface BarActions {
  home: (event: MouseEvent) => void;
  search: (event: SubmitEvent) => void;
  clear: () => void;
  /** From the sentence down to the photos. */
  down: () => void;
  /** Somebody begins to type. */
  type: () => void;
  filter: () => void;
  file: (event: Event) => void;
  help: () => void;
  redraw: () => void;
}

export function bar(view: View, state: { busy: boolean; filtering: boolean }, things: Thing[], on: BarActions) {
  const typed = document.querySelector<HTMLInputElement>("#q")?.value ?? "";
  const dark = theme() === "dark";
  const filters = filterCount(view);
  const toPhotos = (event: Event) => {
    event.preventDefault();
    on.down();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" && !event.isComposing) toPhotos(event);
  };
  return html`<a class="skip" href="#photos" @click=${toPhotos}>Skip to the photos</a>
  <header class=${state.busy ? "bar busy" : "bar"}>
    <a class="brand" href="/" @click=${on.home}><img src="/static/favicon.svg" alt="" width="28" height="28" />
      <span>Regard</span></a>
    <form role="search" @submit=${on.search}>
      <label class="hidden" for="q">Describe a photo</label>
      ${icons.search}<input id="q" name="q" type="search" maxlength="500" autocomplete="off" spellcheck="true"
        enterkeyhint="search" placeholder="Describe a photo" .value=${view.q} @keydown=${onKey}
        list="offers" @input=${on.type} @focus=${on.type} /><datalist id="offers">${offers(typed, kept("saved"), kept("recent"), things)
        .map(({ text, why }) => html`<option value=${text}>${why}</option>`)}</datalist>
      ${view.q ? html`<button class="clear" type="button" aria-label="Clear the sentence" title="Clear"
        @click=${on.clear}>${icons.close}</button>` : html`<kbd aria-hidden="true">/</kbd>`}
    </form>
    <button class="tool" type="button" aria-label=${filters ? `Filters, ${filters} set` : "Filters"}
      aria-expanded=${state.filtering ? "true" : "false"} title="Filters"
      @click=${on.filter}>${icons.filter}${filters
        ? html`<span class="count" aria-hidden="true">${filters}</span>` : nothing}</button>
    <button class="tool" type="button" aria-label="Search with a photo" title="Search with a photo"
      @click=${(event: Event) => (event.currentTarget as HTMLElement).parentElement!
        .querySelector<HTMLInputElement>("#file")!.click()}>${icons.upload}</button>
    <input id="file" type="file" accept="image/*" hidden @change=${on.file} />
    <button class="tool" type="button" aria-label=${dark ? "Light theme" : "Dark theme"}
      title=${dark ? "Light theme" : "Dark theme"}
      @click=${() => { flipTheme(); on.redraw(); }}>${dark ? icons.sun : icons.moon}</button>
    <button class="tool" type="button" aria-label="Help" title="Help" @click=${on.help}>${icons.help}</button>
  </header>`;
}
