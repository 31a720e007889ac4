// Sentences for a photo: the best of the server's list or of one's own, each with its map.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import * as api from "./api.ts";
import { strengthOf, count } from "./format.ts";
import "./map.ts";
import * as icons from "./icons.ts";
import { styleOf } from "./style-of.ts";
import { chipsOf, shownOf, shownOfSentence } from "./words.ts";

const MOST = 1000;

/** Event: `choose` with a sentence. */
export class RegardSentences extends LitElement {
  static override properties = {
    photo: { attribute: false }, chosen: {}, answer: { state: true }, own: { state: true },
    busy: { state: true }, error: { state: true }, looked: { state: true },
  };
  declare photo: api.Photo;
  /** The sentence the large view explains now. */
  declare chosen: string;
  declare answer: api.Captions | null;
  declare own: boolean;
  declare busy: boolean;
  declare error: string;
  /** Caption and chip under the pointer. */
  declare looked: { caption: number; word: number } | null;

  private requests = new AbortController();

  constructor() {
    super();
    this.answer = null;
    this.chosen = this.error = "";
    this.own = this.busy = false;
    this.looked = null;
  }

  override createRenderRoot() {
    return this;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (!changed.has("photo") || changed.get("photo")?.id === this.photo.id) return;
    this.answer = null; // it is another photo's
    void this.load(null);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.requests.abort();
  }

  private async load(sentences: string[] | null) {
    this.requests.abort();
    this.requests = new AbortController();
    const { signal } = this.requests;
    this.busy = true;
    this.error = "";
    try {
      this.answer = sentences
        ? await api.captionsAmong(this.photo.id, sentences, signal)
        : await api.captions(this.photo.id, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.answer = null;
      this.error = (error as Error).message;
    }
    this.busy = false;
  }

  override render() {
    return html`<section aria-busy=${this.busy ? "true" : "false"}><h3>Sentences for this photo</h3>
      ${this.error ? html`<p class="problem" role="alert">${this.error}</p>` : nothing}
      ${this.busy && !this.answer ? html`<p class="note" role="status">Comparing sentences…</p>` : nothing}
      ${this.answer?.verdict?.good === false ? html`<p class="none-fits" role="status"><b>No sure match</b> among ${
        count(this.answer.total, "sentence")}. These come nearest.</p>` : nothing}
      <ol class="captions">${this.answer?.captions.map((caption, index) => this.row(caption, index))}</ol>
      <details ?open=${this.own} @toggle=${this.onToggle}><summary>Rank sentences of your own</summary>
        <form @submit=${this.onRank}>
          <label for="own">One sentence per line, ${MOST.toLocaleString("en-GB")} at most</label>
          <textarea id="own" rows="4" spellcheck="true"></textarea>
          <button class="primary" type="submit">Rank them</button>
          <button class="quiet" type="button" @click=${() => this.load(null)}>Back to the built-in list</button>
        </form></details></section>`;
  }

  private row(caption: api.Caption, index: number) {
    const chips = chipsOf(caption.words);
    const looked = this.looked?.caption === index ? chips.find((chip) => !chip.marker && chip.indices.includes(this.looked!.word)) : undefined;
    const aspect = this.photo.width / this.photo.height;
    const shown = looked ? shownOf(caption.maps, chips, looked) : shownOfSentence(caption.maps);
    return html`<li class=${caption.sentence === this.chosen ? "chosen" : ""}>
      <regard-map .src=${api.thumbnailUrl(this.photo.id, 320)} alt="" .aspect=${aspect}
        .boxes=${caption.maps.boxes} .shown=${shown} ${styleOf({ "aspect-ratio": String(aspect) })}></regard-map>
      <button class="plain" type="button" @click=${() => this.tell("choose", caption.sentence)}
        @pointerleave=${() => (this.looked = null)}>
        ${caption.words.map((word, at) => word.marker ? nothing : html`<span
          class=${looked?.indices.includes(at) ? "looked" : ""}
          @pointerenter=${() => (this.looked = { caption: index, word: at })}>${word.text}</span> `)}
        ${caption.maps.unsupported.length ? html`<small class="unseen">${icons.unseen}not found:
          ${caption.maps.unsupported.join(", ")}</small>` : nothing}
      </button><span class="score">${strengthOf(caption)}</span></li>`;
  }

  private onToggle = (event: Event) => {
    this.own = (event.target as HTMLDetailsElement).open;
  };

  private onRank = (event: SubmitEvent) => {
    event.preventDefault();
    const lines = this.querySelector<HTMLTextAreaElement>("#own")!.value.split("\n");
    const sentences = lines.map((line) => line.trim()).filter(Boolean).slice(0, MOST);
    if (sentences.length) void this.load(sentences);
  };

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("regard-sentences", RegardSentences);
