// The page: keeps the view and the address in step, asks the API, hands the answers down.

import { LitElement, html, nothing } from "lit";
import * as api from "./api.ts";
import "./chips.ts";
import { watchDrops } from "./drop.ts";
import "./filters.ts";
import { fault } from "./fault.ts";
import "./grid.ts";
import type { RegardGrid } from "./grid.ts";
import { empty, heading, waiting } from "./heading.ts";
import "./help.ts";
import { hint } from "./hint.ts";
import * as icons from "./icons.ts";
import { BLANK, filterCount, readView, sameList, writeView, type View } from "./state.ts";
import { applyTheme, flipTheme, theme } from "./theme.ts";
import "./viewer.ts";
import "./welcome.ts";
import { anyLeft, chipsOf, lightOf, replaceWord, unseenIn, withWeight, type Chip } from "./words.ts";

const PAGE = 40;
const RANK_AFTER_MS = 110;

class RegardApp extends LitElement {
  static override properties = {
    view: { state: true }, answer: { state: true }, hits: { state: true }, busy: { state: true },
    error: { state: true }, stats: { state: true }, hovered: { state: true }, region: { state: true },
    filtering: { state: true }, dragging: { state: true }, sending: { state: true }, notice: { state: true },
    helping: { state: true }, stuck: { state: true }, refused: { state: true },
  };
  declare view: View;
  declare answer: api.SearchAnswer | null;
  declare hits: api.Hit[];
  declare busy: boolean;
  /** Why the list asked for is not there. */
  declare error: api.ApiError | null;
  /** Why its next page is not. */
  declare stuck: api.ApiError | null;
  declare stats: api.Stats | null;
  /** Chip hovered or focused; -1 for none. */
  declare hovered: number;
  declare region: { id: string; region: number } | null;
  declare filtering: boolean;
  declare dragging: boolean;
  /** Name of the photo being uploaded; empty for none. */
  declare sending: string;
  declare notice: string;
  declare helping: boolean;
  /** Whether the last word that counts was to be switched off. */
  declare refused: boolean;

  private chips: Chip[] = [];
  private listed: View = BLANK; // what the list shown was asked with
  private kept: { id: string; text: string } | null = null; // what became of it, told beside a photo
  private sent: { id: string; file: File } | null = null; // the reader's photo that was sent last
  private asking = true; // whether what is awaited is another list, not more of this one
  private ended = false; // whether the list has no further page
  private requests = new AbortController();
  private timer = 0;
  private stopDrops = () => {};

  constructor() {
    super();
    this.view = readView(location.search);
    this.answer = this.stats = this.region = this.error = this.stuck = null;
    this.hits = [];
    this.busy = this.dragging = this.helping = this.refused = false;
    this.filtering = filterCount(this.view) > 0;
    this.sending = this.notice = "";
    this.hovered = -1;
  }

  override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    applyTheme();
    addEventListener("popstate", this.onPop);
    addEventListener("keydown", this.onKey);
    this.stopDrops = watchDrops((inside) => (this.dragging = inside), (file) => void this.send(file));
    void this.load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener("popstate", this.onPop);
    removeEventListener("keydown", this.onKey);
    this.stopDrops();
  }

  private async count() {
    try {
      this.stats = await api.stats();
    } catch {
      this.stats = null; // asked again with the next list
    }
  }

  /** Ask for the list of the view, or for its next page. */
  private async load(more = false) {
    this.requests.abort();
    this.requests = new AbortController();
    const { signal } = this.requests;
    const { view } = this;
    this.busy = true;
    this.asking = !more;
    this.stuck = null;
    if (!this.stats) void this.count();
    try {
      const answer = await api.search(view, more ? this.hits.length : 0, PAGE, signal);
      const known = new Set(more ? this.hits.map(({ photo }) => photo.id) : []);
      const fresh = answer.hits.filter(({ photo }) => !known.has(photo.id));
      this.chips = chipsOf(answer.words);
      this.hits = more ? [...this.hits, ...fresh] : fresh;
      this.answer = answer;
      this.listed = view;
      this.ended = answer.hits.length < PAGE;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      if (more) this.stuck = api.asError(error);
      else this.error = api.asError(error);
    }
    this.busy = false;
    document.title = this.view.q ? `${this.view.q} – Regard` : "Regard";
  }

  /** Change the view and the address with it. */
  private go(change: Partial<View>, replace = false) {
    const before = this.view;
    this.refused = false;
    this.view = { ...before, ...change };
    const address = writeView(this.view);
    if (replace) history.replaceState(history.state, "", address);
    else history.pushState({ within: true }, "", address);
    this.follow(before);
  }

  private follow(before: View) {
    if (!sameList(before, this.view)) {
      clearTimeout(this.timer);
      this.busy = this.asking = true;
      const weighing = before.q === this.view.q && before.weights !== this.view.weights;
      this.timer = window.setTimeout(() => void this.load(), weighing ? RANK_AFTER_MS : 0);
    }
    if (before.photo && !this.view.photo)
      void this.updateComplete.then(() =>
        this.querySelector<RegardGrid>("regard-grid")?.focusPhoto(before.photo));
  }

  private onPop = () => {
    const before = this.view;
    this.view = readView(location.search);
    this.follow(before);
  };

  private onKey = (event: KeyboardEvent) => {
    const typing = (event.target as HTMLElement).matches("input, textarea, select");
    if (event.key === "/" && !typing && !this.view.photo) {
      event.preventDefault();
      this.querySelector<HTMLInputElement>("#q")?.select();
      this.querySelector<HTMLInputElement>("#q")?.focus();
    } else if (event.key === "?" && !typing && !this.view.photo) {
      this.helping = true;
    } else if (event.key === "Escape" && !this.view.photo && !this.helping && this.view.word !== null) {
      this.go({ word: null }, true);
    }
  };

  /** Show a photo of the reader's, which the server forgets; or have it kept and show that. */
  private async send(file: File, keep = false) {
    const { stats } = this;
    if (stats && file.size > stats.upload_bytes) {
      this.notice = `${file.name} is too large: it may have ${Math.floor(stats.upload_bytes / 1e6)} MB at most.`;
      return;
    }
    this.sending = file.name;
    this.notice = "";
    try {
      const { photo, kept } = await api.upload(file, keep, AbortSignal.timeout(60_000));
      this.sent = { id: photo.id, file };
      if (!kept) this.go({ photo: photo.id, sentence: "" });
      else if (kept.is_indexed) this.showKept(kept);
      this.kept = kept && { id: kept.is_indexed ? kept.id : this.view.photo, text: tellKept(kept) };
    } catch (error) {
      this.notice = (error as Error).message;
    }
    this.sending = "";
  }

  private showKept(kept: api.Kept) {
    this.go({ photo: kept.id }, true);
    if (!kept.is_new) return;
    void this.load();
    void this.count();
  }

  private get link() {
    return (id: string) => writeView({ ...this.view, photo: id, sentence: "" });
  }

  override render() {
    return html`
      ${this.header()}
      <main aria-busy=${this.busy ? "true" : "false"}>
        ${this.filtering ? html`<regard-filters .view=${this.view} .stats=${this.stats}
          @ask=${(event: CustomEvent<Partial<View>>) => this.go(event.detail)}></regard-filters>` : nothing}
        ${this.notice ? html`<p class="problem" role="alert">${this.notice}
          <button class="link" type="button" @click=${() => (this.notice = "")}>Dismiss</button></p>` : nothing}
        ${this.error ? fault(this.error, this.view, () => void this.load(), (change) => this.go(change)) : nothing}
        ${this.first ? html`<regard-welcome
          @search=${(event: CustomEvent<string>) => this.ask(event.detail)}></regard-welcome>` : nothing}
        ${this.shownChips.length ? html`${this.words()}${hint(() => this.requestUpdate())}` : nothing}
        ${this.heading()}
        <regard-grid .hits=${this.hits} .chips=${this.shownChips} .active=${this.active} .link=${this.link}
          .more=${!!this.answer && !this.ended && !this.error} .stuck=${this.stuck} .query=${this.listed.q}
          class=${(this.busy && this.asking) || this.error ? "stale" : ""}
          @more=${() => !this.busy && this.load(true)}
          @open=${(event: CustomEvent<string>) => this.go({ photo: event.detail, sentence: "" })}
          @region=${(event: CustomEvent<{ id: string; region: number } | null>) =>
            (this.region = event.detail)}></regard-grid>
      </main>
      ${this.view.photo ? this.viewer() : nothing}
      ${this.helping ? html`<regard-help @done=${() => (this.helping = false)}></regard-help>` : nothing}
      ${this.dragging || this.sending ? html`<div class="curtain" role="status"><p>${this.sending
        ? html`Looking at ${this.sending} …` : html`${icons.upload} Drop a photo to see what the model sees.<small>
        It stays in memory for a quarter of an hour and is not written to disk.</small>`}</p></div>` : nothing}
    `;
  }

  /** Whether nothing has been asked yet, of an index that has photos. */
  private get first(): boolean {
    return !this.view.q && !filterCount(this.view) && !!this.stats?.photos && !this.error;
  }

  /** The words of the list; none when it is not the list of the sentence in the field. */
  private get shownChips(): Chip[] {
    return this.error && this.listed.q !== this.view.q ? [] : this.chips;
  }

  private get active(): number {
    return this.hovered >= 0 ? this.hovered : (this.view.word ?? -1);
  }

  private header() {
    const dark = theme() === "dark";
    const filters = filterCount(this.view);
    return html`<header class=${this.busy ? "bar busy" : "bar"}>
      <a class="brand" href="/" @click=${this.onHome}><img src="/static/favicon.svg" alt="" width="28" height="28" />
        <span>Regard</span></a>
      <form role="search" @submit=${this.onSearch}>
        <label class="hidden" for="q">Describe a photo</label>
        ${icons.search}<input id="q" name="q" type="search" maxlength="500" autocomplete="off" spellcheck="true"
          enterkeyhint="search" placeholder="Describe a photo" .value=${this.view.q} />
        ${this.view.q ? html`<button class="clear" type="button" aria-label="Clear the sentence" title="Clear"
          @click=${this.onClear}>${icons.close}</button>` : html`<kbd aria-hidden="true">/</kbd>`}
      </form>
      <button class="tool" type="button" aria-label=${filters ? `Filters, ${filters} set` : "Filters"}
        aria-expanded=${this.filtering ? "true" : "false"} title="Filters"
        @click=${() => (this.filtering = !this.filtering)}>${icons.filter}${filters
          ? html`<span class="count" aria-hidden="true">${filters}</span>` : nothing}</button>
      <button class="tool" type="button" aria-label="Look at a photo of yours" title="Look at a photo of yours"
        @click=${() => this.querySelector<HTMLInputElement>("#file")!.click()}>${icons.upload}</button>
      <input id="file" type="file" accept="image/*" hidden @change=${this.onFile} />
      <button class="tool" type="button" aria-label=${dark ? "Light theme" : "Dark theme"}
        title=${dark ? "Light theme" : "Dark theme"}
        @click=${() => { flipTheme(); this.requestUpdate(); }}>${dark ? icons.sun : icons.moon}</button>
      <button class="tool" type="button" aria-label="Help" title="Help"
        @click=${() => (this.helping = true)}>${icons.help}</button>
    </header>`;
  }

  private words() {
    const hit = this.region && this.hits.find(({ photo }) => photo.id === this.region!.id);
    const nowhere = unseenIn(this.hits.map(({ maps }) => maps), this.chips);
    const light = hit?.maps ? lightOf(hit.maps, this.chips, this.region!.region) : null;
    return html`<regard-chips .chips=${this.chips} .refused=${this.refused} .most=${this.stats?.most_weight ?? 1} .weights=${this.view.weights} .active=${this.active}
      .pinned=${this.view.word ?? -1} .light=${light} .nowhere=${nowhere}
      .unseen=${hit ? unseenIn([hit.maps], this.chips) : nowhere}
      @word=${(event: CustomEvent<number>) => (this.hovered = event.detail)}
      @pin=${(event: CustomEvent<number>) => this.go({ word: event.detail < 0 ? null : event.detail }, true)}
      @weigh=${this.onWeigh}
      @swap=${(event: CustomEvent<{ word: string; by: string }>) =>
        this.ask(replaceWord(this.view.q, event.detail.word, event.detail.by))}></regard-chips>`;
  }

  private heading() {
    const { answer, stats } = this;
    const state = { busy: this.busy && this.asking, failed: !!this.error };
    if (!answer) return waiting(state.busy);
    if (!answer.total && stats?.photos === 0) return empty();
    const { listed: view, ended } = this;
    const list = { view, answer, shown: this.hits.length, ended, dated: !!stats?.first_taken };
    return heading(list, state, (change, replace) => this.go(change, replace));
  }

  private viewer() {
    const ids = sameList(this.listed, this.view) ? this.hits.map(({ photo }) => photo.id) : [];
    const at = ids.indexOf(this.view.photo);
    const total = this.ended ? ids.length : (this.answer?.total ?? 0);
    return html`<regard-viewer .view=${this.view} .stats=${this.stats} .link=${this.link}
      .previousId=${(at > 0 && ids[at - 1]) || ""} .nextId=${(at >= 0 && ids[at + 1]) || ""}
      .place=${at >= 0 ? `${at + 1} of ${total}` : ""}
      .known=${this.hits.find(({ photo }) => photo.id === this.view.photo)?.photo ?? null}
      .listed=${at >= 0 && this.view.weights ? this.hits[at]!.similarity : null}
      .likely=${at >= 0 ? this.hits[at]!.match_probability : null} .among=${this.answer?.total ?? 0}
      .keepable=${!!this.stats?.keeps_uploads && this.sent?.id === this.view.photo}
      .keeping=${!!this.sending} .wrong=${this.notice}
      .kept=${this.kept?.id === this.view.photo ? this.kept.text : ""}
      @keep=${() => this.sent && this.send(this.sent.file, true)}
      @close=${this.onClose}
      @goto=${(event: CustomEvent<string>) => this.go({ photo: event.detail, sentence: "" }, true)}
      @ask=${(event: CustomEvent<Partial<View>>) => this.go(event.detail, true)}></regard-viewer>`;
  }

  private ask(q: string) {
    this.hovered = -1;
    const change = { q, weights: null, word: null, photo: "", sentence: "" };
    if (sameList(this.view, { ...this.view, ...change })) void this.load(); // asked again on purpose
    this.go(change);
  }

  private onSearch = (event: SubmitEvent) => {
    event.preventDefault();
    this.ask(this.querySelector<HTMLInputElement>("#q")!.value.trim());
  };

  private onClear = () => {
    this.ask("");
    this.querySelector<HTMLInputElement>("#q")!.focus();
  };

  private onHome = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.go({ ...BLANK });
    this.querySelector<HTMLInputElement>("#q")!.value = ""; // what was typed and not sent
    scrollTo(0, 0);
  };

  private onFile = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) void this.send(file);
    input.value = "";
  };

  private onWeigh = (event: CustomEvent<{ index: number; weight: number }>) => {
    const chip = this.chips[event.detail.index]!;
    const weights = withWeight(this.answer!.words.length, this.view.weights, chip, event.detail.weight);
    if (anyLeft(weights)) this.go({ weights }, true);
    else this.refused = true;
  };

  private onClose = () => {
    if (history.state?.within) history.back();
    else this.go({ photo: "", sentence: "", direction: "", temperature: null }, true);
  };
}

function tellKept({ name, is_new, is_indexed }: api.Kept): string {
  if (!is_new) return `This photo is among yours already: ${name}.`;
  return is_indexed ? `Kept among your photos as ${name}.`
    : `Kept as ${name}. It will be found after the next “regard index”.`;
}

customElements.define("regard-app", RegardApp);
