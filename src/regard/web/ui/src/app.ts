// The page: keeps the view and the address in step, asks the API, hands the answers down.

import { html, nothing } from "lit";
import { selectionBar } from "./actions.ts";
import * as api from "./api.ts";
import { bar } from "./bar.ts";
import "./chips.ts";
import { watchDrops } from "./drop.ts";
import "./filters.ts";
import { folded } from "./fold.ts";
import { fault, lost, notice } from "./fault.ts";
import "./grid.ts";
import type { RegardGrid } from "./grid.ts";
import { empty, fresh, heading, waiting } from "./heading.ts";
import "./help.ts";
import { hint } from "./hint.ts";
import * as icons from "./icons.ts";
import { addFolder, progress } from "./folders.ts";
import { filterChips, likeChip, reading } from "./like.ts";
import { Listing } from "./listing.ts";
import { watchServer } from "./live.ts";
import { isSaved, remember, save } from "./searches.ts";
import { Sender } from "./sender.ts";
import { BLANK, filterCount, isSearch, readView, sameList, writeView, type View } from "./state.ts";
import { applyTheme } from "./theme.ts";
import { scrubber } from "./timeline.ts";
import "./viewer.ts";
import "./welcome.ts";
import { anyLeft, lightOf, replaceWord, unseenIn, withWeight, type Chip } from "./words.ts";

const RANK_AFTER_MS = 110;

class RegardApp extends Listing {
  static override properties = {
    ...Listing.properties, hovered: { state: true }, region: { state: true }, filtering: { state: true },
    dragging: { state: true }, helping: { state: true }, refused: { state: true }, done: { state: true },
  };
  /** Chip hovered or focused; -1 for none. */
  declare hovered: number;
  declare region: { id: string; region: number } | null;
  declare filtering: boolean;
  declare dragging: boolean;
  declare helping: boolean;
  /** Whether the last word that counts was to be switched off. */
  declare refused: boolean;
  /** What came of the last action on the photos that are selected. */
  declare done: string;

  private sender = new Sender(() => this.requestUpdate(), (id, replace) => this.go({ photo: id, sentence: "" }, replace),
    () => void this.load());
  private timer = 0;
  private stopDrops = () => {};
  private stopWatch = () => {};

  constructor() {
    super();
    this.region = null;
    this.dragging = this.helping = this.refused = false;
    this.done = "";
    this.filtering = filterCount(this.view) > 0;
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
    this.stopDrops = watchDrops((inside) => (this.dragging = inside), (file) => void this.sender.send(file, this.stats));
    this.stopWatch = watchServer(this.onServer);
    void this.load();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener("popstate", this.onPop);
    removeEventListener("keydown", this.onKey);
    this.stopDrops();
    this.stopWatch();
  }

  /** The server answers, or does not; what is on the screen stays. */
  private onServer = (stats: api.Stats | null) => {
    const back = this.lost && !!stats;
    this.lost = !stats;
    if (!stats) return;
    this.stats = stats;
    if (stats.is_local) void this.shelf.follow();
    const came = stats.photos > 0 && this.answer?.indexed === 0;
    if (!this.busy && (back || came) && (came || this.error || !this.answer)) void this.load();
  };

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
      if (weighing) this.timer = window.setTimeout(() => void this.load(), RANK_AFTER_MS);
      else void this.load();
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
    } else if (event.key === "Escape" && !this.view.photo && this.selected.length) {
      this.selected = [];
    } else if (event.key === "Escape" && !this.view.photo && !this.helping && this.view.word !== null) {
      this.go({ word: null }, true);
    }
  };

  private get link() {
    return (id: string) => writeView({ ...this.view, photo: id, sentence: "" });
  }

  override render() {
    return html`
      ${bar(this.view, this, this.shelf.things, this.barActions)}
      <main id="photos" aria-busy=${this.busy ? "true" : "false"}>
        ${this.filtering ? html`<regard-filters .view=${this.view} .stats=${this.stats}
          @ask=${(event: CustomEvent<Partial<View>>) => this.go(event.detail)}></regard-filters>` : nothing}
        ${notice(this.sender.notice, this.sender.dismiss)}${notice(this.shelf.notice, this.shelf.dismiss)}
        ${progress(this.shelf.indexing, this.shelf.dismiss)}
        ${this.lost ? lost(() => void this.load()) : nothing}
        ${this.error && this.error.status ? fault(this.error, this.view, () => void this.load(), (change) => this.go(change)) : nothing}
        ${this.first ? html`<regard-welcome
          .local=${!!this.stats?.is_local} @folder=${(event: CustomEvent<string>) => void this.shelf.add(event.detail)}
          @search=${(event: CustomEvent<string>) => this.ask(event.detail)}></regard-welcome>` : nothing}
        ${this.view.like ? likeChip(this.view, this.link, () => this.go({ like: "", box: "" })) : nothing}
        ${this.isOf ? html`${reading(this.answer!, (q) => this.ask(q))}${filterChips(this.answer!, (q) => this.ask(q))}` : nothing}
        ${this.shownChips.length ? html`${this.words()}${hint(() => this.requestUpdate())}` : nothing}
        ${this.answer && this.stats ? fresh(this.stats.photos - this.answer.indexed, this.onFresh) : nothing}
        ${this.heading()}
        ${isSearch(this.shownView) || this.shownView.dup ? nothing : scrubber(this.shelf.months, this.view.at, (at) => this.go({ at }))}
        ${this.start ? html`<p class="newer"><button class="quiet" type="button"
          @click=${() => this.go({ at: "" })}>Newer photos</button></p>` : nothing}
        <regard-grid .hits=${this.shown} .sections=${this.lines} .chips=${this.shownChips} .active=${this.active} .link=${this.link}
          .more=${!!this.answer && !this.ended && !this.error && !this.folds} .stuck=${this.stuck} .query=${this.listed.q} .under=${this.under} .selected=${this.selected}
          class=${(this.busy && this.asking) || this.error ? "stale" : ""}
          @select=${(event: CustomEvent<string[]>) => ([this.selected, this.done] = [event.detail, ""])}
          @gone=${(event: CustomEvent<string>) =>
            (this.hits = this.hits.filter(({ photo }) => photo.id !== event.detail))}
          @favour=${(event: CustomEvent<{ hit: api.Hit; on: boolean }>) =>
            this.shelf.mark(event.detail.hit, event.detail.on).then(() => (this.hits = [...this.hits]))}
          @turn=${(event: CustomEvent<string>) => this.turnStack(event.detail)}
          @want=${(event: CustomEvent<string[]>) => this.looks.want(event.detail)}
          @more=${() => !this.busy && this.load(true)}
          @open=${(event: CustomEvent<string>) => this.go({ photo: event.detail, sentence: "" })}
          @region=${(event: CustomEvent<{ id: string; region: number } | null>) =>
            (this.region = event.detail)}></regard-grid>
        ${this.folds ? folded(this.answer!.total - this.likely, () => (this.unfolded = true)) : nothing}
      </main>
      ${this.selected.length ? selectionBar(this.selected, !!this.stats?.is_local, this.done,
        (note) => (this.done = note), () => (this.selected = [])) : nothing}
      ${this.view.photo ? this.viewer() : nothing}
      ${this.helping ? html`<regard-help @done=${() => (this.helping = false)}></regard-help>` : nothing}
      ${this.dragging || this.sender.sending ? html`<div class="curtain" role="status"><p>${this.sender.sending
        ? html`Looking at ${this.sender.sending}…` : html`${icons.upload} Drop a photo to see what the model sees.<small>
        It stays in memory for 15 minutes and is not written to disk.</small>`}</p></div>` : nothing}
    `;
  }

  /** What the list on the screen is of: until an answer comes, nothing around it moves. */
  private get shownView(): View {
    return this.answer ? this.listed : this.view;
  }

  /** Whether nothing has been asked yet, of an index that has photos. */
  private get first(): boolean {
    const view = this.shownView;
    return !isSearch(view) && !view.dup && !filterCount(view) && !!this.stats?.photos && !this.error;
  }

  /** The words of the list; none when it is not the list of the sentence in the field. */
  private get shownChips(): Chip[] {
    return this.error && this.listed.q !== this.view.q ? [] : this.chips;
  }

  /** Whether the list is that of the sentence in the field. */
  private get isOf(): boolean {
    return !!this.answer && this.listed.q === this.view.q;
  }

  /** The sentence in the field as it was searched for. */
  private get read(): string {
    return this.isOf ? this.answer!.read_as : this.view.q;
  }

  private get active(): number {
    return this.hovered >= 0 ? this.hovered : (this.view.word ?? -1);
  }

  private words() {
    const hit = this.region && this.hits.find(({ photo }) => photo.id === this.region!.id);
    const nowhere = unseenIn(this.hits, this.chips);
    const light = hit?.maps ? lightOf(hit.maps, this.chips, this.region!.region) : null;
    return html`<regard-chips .chips=${this.chips} .refused=${this.refused} .most=${this.stats?.most_weight ?? 1} .weights=${this.view.weights} .active=${this.active}
      .pinned=${this.view.word ?? -1} .light=${light} .nowhere=${nowhere}
      .unseen=${hit ? unseenIn([hit], this.chips) : nowhere}
      @word=${(event: CustomEvent<number>) => (this.hovered = event.detail)}
      @pin=${(event: CustomEvent<number>) => this.go({ word: event.detail < 0 ? null : event.detail }, true)}
      @weigh=${this.onWeigh}
      @swap=${(event: CustomEvent<{ word: string; by: string }>) =>
        this.ask(replaceWord(this.read, event.detail.word, event.detail.by))}></regard-chips>`;
  }

  private heading() {
    const { answer, stats } = this;
    const state = { busy: this.busy && this.asking, failed: !!this.error };
    if (!answer) return waiting(state.busy, this.stop);
    if (!answer.total && stats?.photos === 0)
      return html`${empty(stats.index_command)}${stats.is_local ? addFolder((folder) => void this.shelf.add(folder)) : nothing}`;
    const { listed: view, ended } = this;
    const list = { view, answer, shown: this.hits.length, ended, dated: !!stats?.first_taken };
    const saving = view.q && { on: isSaved(view.q), turn: (on: boolean) => (save(view.q, on), this.requestUpdate()) };
    return heading(list, state, (change, replace) => this.go(change, replace), this.stop, saving || null);
  }

  private viewer() {
    const ids = sameList(this.listed, this.view) ? this.shown.map(({ photo }) => photo.id) : [];
    const at = ids.indexOf(this.view.photo);
    const total = this.ended || this.folds ? ids.length : (this.answer?.total ?? 0) - this.start;
    return html`<regard-viewer .view=${this.view} .read=${this.read} .stats=${this.stats} .link=${this.link}
      .timed=${this.isOf && !!this.view.q && !this.chips.length} .previousId=${(at > 0 && ids[at - 1]) || ""} .nextId=${(at >= 0 && ids[at + 1]) || ""}
      .place=${at >= 0 ? `${this.start + at + 1} of ${this.start + total}` : ""}
      .known=${this.hits.find(({ photo }) => photo.id === this.view.photo)?.photo ?? null}
      .listed=${at >= 0 && this.view.weights ? this.hits[at]!.similarity : null}
      .likely=${at >= 0 ? this.hits[at]!.match_probability : null} .among=${this.answer?.total ?? 0}
      .keepable=${!!this.stats?.keeps_uploads && this.sender.isOf(this.view.photo)}
      .keeping=${!!this.sender.sending} .wrong=${this.sender.notice} .kept=${this.sender.toldOf(this.view.photo)}
      @keep=${() => this.sender.keep(this.stats)}
      @favour=${(event: CustomEvent<{ hit: { photo: api.Photo }; on: boolean }>) =>
        this.shelf.mark(this.hits[at] ?? event.detail.hit, event.detail.on).then(() => (this.hits = [...this.hits]))}
      @close=${this.onClose}
      @part=${(event: CustomEvent<{ q: string; box: string }>) => this.go({ ...BLANK, ...event.detail,
        like: this.view.photo })}
      @goto=${(event: CustomEvent<string>) => this.go({ photo: event.detail, sentence: "" }, true)}
      @ask=${(event: CustomEvent<Partial<View>>) => this.go(event.detail, true)}></regard-viewer>`;
  }

  private ask(q: string) {
    this.hovered = -1;
    remember(q);
    const change = { q, at: "", dup: false, weights: null, word: null, photo: "", sentence: "",
      ...(q ? {} : { like: "", box: "" }) };
    if (sameList(this.view, { ...this.view, ...change })) void this.load(); // asked again on purpose
    this.go(change);
  }

  private barActions = {
    home: (event: MouseEvent) => this.onHome(event),
    search: (event: SubmitEvent) => this.onSearch(event),
    clear: () => this.onClear(),
    down: () => this.querySelector<RegardGrid>("regard-grid")?.focusPhoto(),
    type: () => void this.shelf.learn(),
    filter: () => (this.filtering = !this.filtering),
    file: (event: Event) => this.onFile(event),
    help: () => (this.helping = true),
    redraw: () => this.requestUpdate(),
  };

  private onFresh = () => {
    void this.load();
    scrollTo({ top: 0 });
  };

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
    if (file) void this.sender.send(file, this.stats);
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

customElements.define("regard-app", RegardApp);
