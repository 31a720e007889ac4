// The first thing a reader sees: what can be done here, and sentences that fit these photos.

import { LitElement, html, nothing } from "lit";
import * as api from "./api.ts";
import { addFolder } from "./folders.ts";
import { before } from "./searches.ts";

/** Events: `search` with a sentence, `folder` with the path of one to add. */
export class RegardWelcome extends LitElement {
  static override properties = { suggested: { state: true }, local: { type: Boolean } };
  declare suggested: api.Suggestion[];
  /** Whether a folder can be added from here. */
  declare local: boolean;

  constructor() {
    super();
    this.suggested = [];
    this.local = false;
  }

  override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  private async load() {
    try {
      this.suggested = (await api.suggestions()).suggestions;
    } catch {
      this.suggested = []; // the page does without; the list itself tells what is wrong
    }
  }

  override render() {
    const point = matchMedia("(pointer: coarse)").matches ? "Tap" : "Point at";
    return html`<section class="welcome">
      <h1>Describe a photo, and see why it is found.</h1>
      <p>Every word of your sentence looks at every photo. ${point} a word, and all photos show where it looked.</p>
      <div class="suggested">${this.suggested.length ? html`<span>Try</span>` : nothing}
        ${this.suggested.map(({ sentence, photo }) => html`<button type="button" @click=${() => this.tell(sentence)}><img
          src=${api.thumbnailUrl(photo.id, 320)} alt="" width="28" height="28" />${sentence}</button>`)}</div>
      ${before((text) => this.tell(text))}
      ${this.local ? addFolder((folder) => this.tell(folder, "folder")) : nothing}
    </section>`;
  }

  private tell(detail: string, name = "search") {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("regard-welcome", RegardWelcome);
