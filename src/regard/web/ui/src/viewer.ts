// One photo, large: looked at, searched by a part, explained word by word, with photos like it.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import * as api from "./api.ts";
import { inDepth, reasons } from "./account.ts";
import { actions } from "./actions.ts";
import { day, percent } from "./format.ts";
import * as icons from "./icons.ts";
import { info } from "./info.ts";
import { keepOffer, missing, partForm } from "./offers.ts";
import { panels, similar } from "./panels.ts";
import "./sentences.ts";
import { Screen } from "./slideshow.ts";
import { FIRST_BOX, type RegardStage } from "./stage.ts";
import "./sum.ts";
import { tools, walk } from "./tools.ts";
import { styleOf } from "./style-of.ts";
import type { View } from "./state.ts";
import { chipsOf, foundByLabel, lightOf, shownOf, type Chip, type Shown } from "./words.ts";

/** Events: `close`, `goto` a photo's id, `ask` with changes of the view, `part` to search by {box, q}. */
export class RegardViewer extends LitElement {
  static override properties = {
    view: { attribute: false }, read: {}, stats: { attribute: false }, previousId: {}, nextId: {}, place: {},
    known: { attribute: false }, listed: { attribute: false }, gone: { state: true },
    link: { attribute: false }, likely: { attribute: false }, among: { type: Number }, kept: {}, wrong: {},
    keepable: { type: Boolean }, keeping: { type: Boolean }, photo: { state: true }, explained: { state: true },
    like: { state: true }, error: { state: true }, busy: { state: true }, active: { state: true }, region: { state: true },
    timed: { type: Boolean }, box: { state: true }, details: { state: true }, note: { state: true }, deep: { state: true },
  };
  declare view: View;
  /** The sentence searched for, as it was read. */
  declare read: string;
  declare stats: api.Stats | null;
  /** Ids of the photos before and after this one in the list; empty at its ends. */
  declare previousId: string;
  declare nextId: string;
  /** "3 of 40", empty when the photo is not in the list. */
  declare place: string;
  declare link: (id: string) => string;
  /** That it fits the sentence searched for, as the best of so many photos; null where not known. */
  declare likely: number | null;
  /** The photo as the list tells of it; null when it is not there. */
  declare known: api.Photo | null;
  /** Its score in the list, where the list weights its words; null where it does not. */
  declare listed: number | null;
  declare among: number;
  /** Whether this is an upload that can be kept, what became of it, and what went wrong. */
  declare keepable: boolean;
  declare keeping: boolean;
  declare kept: string;
  declare wrong: string;
  declare photo: api.Photo | null;
  declare explained: api.Explained | null;
  declare like: api.Hit[];
  declare error: api.ApiError | null;
  /** Why the picture itself is not shown. */
  declare gone: string;
  /** Whether an explanation is awaited. */
  declare busy: boolean;
  declare active: number;
  declare region: number;
  /** Whether the sentence searched for names a time and nothing else. */
  declare timed: boolean;
  /** The part of the photo to search by; null while none is chosen. */
  declare box: number[] | null;
  declare details: api.Details | null;
  /** What came of the last action on its file. */
  declare note: string;
  declare deep: boolean; // whether numbers are wanted

  private chips: Chip[] = [];
  private pinned = -1;
  private asked = "";
  private pinnedIn = ""; // the sentence whose word is pinned
  private loads = new AbortController();
  private explains = new AbortController();
  private screen = new Screen(() => this.requestUpdate(), () => this.querySelector(".stage"),
    () => !!this.nextId && (this.goto(this.nextId), true));

  constructor() {
    super();
    this.box = this.details = null;
    this.note = "";
    this.timed = this.deep = false;
    this.stats = this.photo = this.explained = this.known = this.error = null;
    this.previousId = this.nextId = this.place = this.kept = this.wrong = this.gone = "";
    this.likely = this.listed = null;
    this.among = 0;
    this.keepable = this.keeping = false;
    this.link = () => "";
    this.like = [];
    this.busy = false;
    this.active = this.region = -1;
  }

  override createRenderRoot() {
    return this;
  }

  override firstUpdated() {
    const dialog = this.querySelector("dialog")!;
    dialog.showModal();
    dialog.focus();
    this.screen.watch();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.loads.abort();
    this.explains.abort();
    this.screen.leave();
  }

  /** Whether this is the reader's own photo, which is no file of the index. */
  get sent(): boolean {
    return this.view.photo.startsWith("u");
  }

  get sentence(): string {
    return this.view.sentence || (this.timed ? "" : this.read);
  }

  private get choice(): api.ExplainChoice {
    const { direction, temperature } = this.view;
    return { sentence: this.sentence, direction, temperature };
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (!changed.has("view") && !changed.has("read")) return;
    if (changed.has("view") && changed.get("view")?.photo !== this.view.photo) {
      this.change();
      void this.load();
    }
    const asked = JSON.stringify([this.view.photo, this.choice]);
    if (asked !== this.asked) {
      this.asked = asked;
      void this.explain();
    }
  }

  /** Let go of the photo shown so far: nothing of it may be said of another. */
  private change() {
    const like = this.like.find(({ photo }) => photo.id === this.view.photo);
    this.photo = this.known ?? like?.photo ?? null;
    this.explained = null;
    this.chips = [];
    this.like = [];
    this.gone = this.note = "";
    this.box = this.details = null;
    this.region = this.active = -1;
    this.querySelector(".viewer-body")?.scrollTo(0, 0);
  }

  private async load() {
    this.loads.abort();
    this.loads = new AbortController();
    const { signal } = this.loads;
    const id = this.view.photo;
    try {
      this.photo ??= await api.photo(id, signal);
      if (!this.sent) this.details = await api.details(id, signal).catch(() => null);
      this.like = (await api.similar(id, signal)).hits;
    } catch (error) {
      if (!signal.aborted) this.error = api.asError(error);
    }
  }

  /** The word pinned in the list stays pinned here, as long as the sentence is the same. */
  private pinnedBefore(): number {
    const { word } = this.view;
    return word !== null && word < this.chips.length && this.sentence === this.read ? word : -1;
  }

  private async explain() {
    this.explains.abort();
    this.explains = new AbortController();
    const { signal } = this.explains;
    this.error = null;
    this.busy = !!this.sentence;
    if (!this.sentence) {
      this.explained = null;
      this.chips = [];
      return;
    }
    try {
      const explained = await api.explain(this.view.photo, this.choice, signal);
      this.explained = explained;
      this.photo ??= explained.photo;
      this.chips = chipsOf(explained.words);
      if (this.pinnedIn !== explained.sentence) {
        this.active = -1;
        this.pinned = this.pinnedBefore();
      }
      this.pinnedIn = explained.sentence;
    } catch (error) {
      if (signal.aborted) return;
      this.explained = null;
      this.chips = [];
      this.error = api.asError(error);
    }
    this.busy = false;
  }

  private retry = () => {
    void this.explain();
    if (!this.photo || !this.like.length) void this.load();
  };

  override render() {
    const { photo } = this;
    return html`<dialog class="viewer" aria-label=${photo ? `Photo ${photo.name}` : "Photo"} tabindex="-1"
      aria-busy=${this.busy || (!photo && !this.error) ? "true" : "false"}
      @cancel=${this.onCancel} @keydown=${this.onKey}>
      <header class="viewer-head">
        <button class="tool" type="button" aria-label="Close" @click=${() => this.tell("close", null)}>
          ${icons.close}</button>
        <h2>${photo?.name ?? ""}<small>${[photo?.folder, day(photo?.taken ?? null)]
          .filter(Boolean).join(" · ")}</small></h2>
        <span class="place">${this.place}</span>
        ${walk(this, this.goto)}
        ${photo ? tools(this, this.tooling) : nothing}
      </header>
      ${!photo && this.error ? missing(this.error, this.again(), () => this.tell("close", null)) : html`<div class="viewer-body">
        <div class="upper">
          ${photo ? this.stage(photo) : nothing}
          <div class="side">
            ${this.question()}
            ${keepOffer(this, () => this.tell("keep", null))}
            ${this.gone ? html`<p class="problem" role="alert">${this.gone}</p>` : nothing}
            ${this.error ? html`<p class="problem" role="alert">${this.error.message} ${this.again()}</p>` : nothing}
            ${this.explained ? this.account(this.explained) : this.unasked()}
            ${photo && !this.sent ? html`<section class="about"><h3>About this photo</h3>
              ${info(photo, this.details)}
              ${actions(photo.id, !!this.stats?.is_local, (note) => (this.note = note))}
              <p class="note" role="status">${this.note}</p></section>` : nothing}
          </div>
        </div>
        <div class="below">
          ${this.explained ? panels(this.explained, this.chips, (index) => this.show(index)) : nothing}
          ${photo ? html`<regard-sentences .photo=${photo} .chosen=${this.sentence}
            @choose=${(event: CustomEvent<string>) => this.choose(event.detail)}></regard-sentences>` : nothing}
          ${this.like.length ? similar(this.like, this.link, this.goto) : nothing}
        </div>
      </div>`}
    </dialog>`;
  }

  private goto = (id: string) => this.tell("goto", id);

  private toggleFavourite = () => {
    const photo = { ...this.photo!, favourite: !this.photo!.favourite };
    this.tell("favour", { hit: { photo: this.photo! }, on: photo.favourite });
    this.photo = photo;
  };

  private togglePart = () => {
    this.box = this.box ? null : FIRST_BOX;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(this.box ? ".part-box" : "dialog")?.focus());
  };

  private tooling = { favour: this.toggleFavourite, part: this.togglePart, screen: this.screen };

  private again() {
    return this.error?.passes ? html`<button class="link" type="button" @click=${this.retry}>Try again</button>` : nothing;
  }

  private unasked() {
    if (this.busy) return html`<p class="note" role="status">Looking…</p>`;
    if (this.sentence || !this.photo) return nothing;
    return html`<p class="note">Describe what you see, or pick one of the sentences below. Each word then shows
      where it looked in this photo, and what it adds to the score.</p>
      ${this.keepable || !this.sent ? nothing : html`<p class="note">Your photo stays in memory
        for a while and is not written to disk.</p>`}`;
  }

  private stage(photo: api.Photo) {
    const maps = this.explained?.maps;
    return html`<figure class="stage" ${styleOf({ "--aspect": String(photo.width / photo.height) })}>
      <regard-stage .photo=${photo} .boxes=${maps?.boxes ?? null} .region=${this.region} .shown=${this.shown}
        .box=${this.box}
        @failed=${() => this.onFailed(photo.id)}
        @look=${(event: CustomEvent<number>) => (this.region = maps ? event.detail : -1)}
        @swipe=${(event: CustomEvent<number>) => this.walkBy(event.detail)}
        @box=${(event: CustomEvent<number[]>) => (this.box = event.detail)}
        @search=${() => this.querySelector<HTMLInputElement>("#part-words")?.focus()}></regard-stage>
      ${this.box ? partForm(this.onPart, this.togglePart) : nothing}
      ${this.screen.filling ? html`<div class="over">${walk(this, this.goto)}${tools(this, this.tooling)}</div>` : nothing}
    </figure>`;
  }

  private onPart = (event: SubmitEvent) => {
    event.preventDefault();
    const q = this.querySelector<HTMLInputElement>("#part-words")!.value.trim();
    this.tell("part", { q, box: this.box!.map((value) => value.toFixed(3)).join(",") });
  };

  private walkBy(by: number) {
    const id = by < 0 ? this.previousId : this.nextId;
    if (id) this.goto(id);
  }

  private get shown(): Shown | null {
    const chip = this.chips[this.active >= 0 ? this.active : this.pinned];
    return chip && this.explained ? shownOf(this.explained.maps, this.chips, chip) : null;
  }

  private question() {
    return html`<form class="ask" @submit=${this.onAsk}>
      <label for="sentence">A sentence for this photo</label>
      <div class="field"><textarea id="sentence" name="sentence" rows="1" maxlength="500" autocomplete="off"
        enterkeyhint="go" .value=${this.sentence} placeholder="Describe this photo" @keydown=${this.onEnter}></textarea>
      <button class="primary" type="submit">Explain</button></div>
    </form>`;
  }

  private account(explained: api.Explained) {
    const light = this.region >= 0 ? lightOf(explained.maps, this.chips, this.region) : null;
    const look = explained.maps.looks_like[this.region];
    const byLabel = foundByLabel(explained.maps, this.chips);
    const listed = { likely: this.likely, among: this.among, weighted: this.listed };
    return html`
      ${reasons(explained, this.chips, listed, !this.view.sentence)}
      <regard-sum class=${this.deep ? "" : "short"} .explained=${explained} .chips=${this.chips} .active=${this.active} .pinned=${this.pinned}
        .light=${light} @word=${(event: CustomEvent<number>) => (this.active = event.detail)}
        @pin=${(event: CustomEvent<number>) => { this.pinned = event.detail; this.requestUpdate(); }}
        ></regard-sum>
      ${byLabel.length ? html`<p class="note by-label">Found by what a region looks like: ${byLabel.join("; ")}.</p>` : nothing}
      <p class="note">${look ? html`This region looks like: <b>${look.name}</b> ${percent(look.probability)}`
        : matchMedia("(pointer: coarse)").matches
        ? "Tap a word to see where it looked, or the photo to see which words look there."
        : "Point at a word to see where it looked, or at the photo to see which words look there."}</p>
      ${inDepth(this.view.photo, this.choice, explained, this.chips, listed, !this.view.sentence, this.deep,
        (open) => (this.deep = open), (change) => this.tell("ask", change))}`;
  }

  private show(index: number) {
    this.pinned = index;
    this.querySelector(".viewer-body")?.scrollTo({ top: 0, behavior: "smooth" });
    this.requestUpdate();
  }

  /** The server says why a picture is not there. */
  private async onFailed(id: string) {
    const why = await api.whyNot(api.thumbnailUrl(id, 1600));
    if (id === this.view.photo) this.gone = why?.message ?? "";
  }

  private choose(sentence: string) {
    this.tell("ask", { sentence: sentence === this.read ? "" : sentence });
    this.querySelector(".viewer-body")?.scrollTo({ top: 0, behavior: "smooth" });
  }

  private onAsk = (event: SubmitEvent) => {
    event.preventDefault();
    this.asked = ""; // explained again, were it the same
    this.choose(this.querySelector<HTMLTextAreaElement>("#sentence")!.value.trim());
  };

  private onEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form!.requestSubmit();
  };

  private onCancel = (event: Event) => {
    event.preventDefault();
    if (this.box) this.togglePart();
    else this.tell("close", null);
  };

  private onKey = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).matches("input, textarea, select, button.word")) return;
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (this.keys(event.key)) event.preventDefault();
  };

  /** What a key does here; whether it does anything. */
  private keys(key: string): boolean {
    const stage = this.querySelector<RegardStage>("regard-stage");
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (arrow && stage?.nudge(arrow[0]!, arrow[1]!)) return true;
    if (arrow?.[0]) this.walkBy(arrow[0]);
    else if (key === "+" || key === "=") stage?.step(1);
    else if (key === "-") stage?.step(-1);
    else if (key === "0") stage?.step(0);
    else if (key === "l" && this.photo && !this.sent) this.toggleFavourite();
    else if (key === "f") this.screen.fill();
    else if (key === "s") this.screen.play();
    else if (key === "p") this.togglePart();
    else return false;
    return true;
  }

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("regard-viewer", RegardViewer);
