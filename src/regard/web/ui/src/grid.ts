// The photos found, in justified rows. Tiles move to their new places when the order changes.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { thumbnailUrl, whyNot, type ApiError, type Hit } from "./api.ts";
import { watchBand, type Rect } from "./band.ts";
import { day, strengthOf } from "./format.ts";
import * as icons from "./icons.ts";
import { justify, shownAspect, sizeFor, type Layout } from "./justify.ts";
import "./map.ts";
import type { RegardMap } from "./map.ts";
import { styleOf } from "./style-of.ts";
import { differing, isUnseen, labelOf, shownOf, wordsRead, type Chip } from "./words.ts";

const GAP = 6;
const LINE = 52; // pixels of a heading among photos
/** A heading and the place of the photo before which it stands. */
export interface Section {
  start: number;
  title: string;
}

const NO_BOXES: number[][] = [];

/** Events: `open` with a photo's id, `region` {id, region}, `want` with ids whose maps are wanted, `more` near the end, `select` with ids, `favour` {hit, on}, `gone` and `turn` a stack with one. */
export class RegardGrid extends LitElement {
  static override properties = {
    hits: { attribute: false }, chips: { attribute: false }, active: { type: Number },
    sections: { attribute: false }, more: { type: Boolean }, stuck: { attribute: false }, query: {}, link: { attribute: false }, selected: { attribute: false },
    under: { attribute: false },
    wide: { state: true }, pointed: { state: true }, band: { state: true },
  };
  declare hits: Hit[];
  declare chips: Chip[];
  declare active: number;
  /** Headings, and the photo before which each stands. */
  declare sections: Section[];
  declare more: boolean;
  /** Why the next page did not come; it is then asked for by hand alone. */
  declare stuck: ApiError | null;
  /** The sentence the photos were found for. */
  declare query: string;
  /** Address of a photo's large view. */
  declare link: (id: string) => string;
  /** Photos that one of the list stands for, by its id. */
  declare under: ReadonlyMap<string, Hit[]>;
  /** Ids of the photos that are selected. */
  declare selected: string[];
  declare wide: number;
  /** The box that the mouse draws; null while it draws none. */
  declare band: Rect | null;
  declare pointed: { id: string; region: number } | null;

  private layout: Layout = { places: [], height: 0, lines: [] };
  private focusId = "";
  private anchor = ""; // where a range of selected photos begins
  private stopBand = () => {};
  private sizes = new ResizeObserver(([entry]) => {
    this.wide = Math.floor(entry!.contentRect.width);
  });
  private ends = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting) && this.more && !this.stuck) this.tell("more", null);
    },
    { rootMargin: "500px" },
  );

  constructor() {
    super();
    this.hits = [];
    this.chips = [];
    this.active = -1;
    this.more = false;
    this.sections = [];
    this.stuck = null;
    this.query = "";
    this.link = () => "";
    this.wide = 0;
    this.pointed = this.band = null;
    this.selected = [];
    this.under = new Map();
  }

  override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.sizes.observe(this);
    this.stopBand = watchBand(this, this.onBand);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.stopBand();
    this.sizes.disconnect();
    this.ends.disconnect();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has("query") && !this.contains(document.activeElement)) this.focusId = "";
    if (!changed.has("hits") && !changed.has("wide") && !changed.has("sections")) return;
    const rowHeight = this.wide < 560 ? 132 : this.wide < 1000 ? 178 : 216;
    const aspects = this.hits.map(({ photo }) => shownAspect(photo.width, photo.height));
    const starts = this.sections.map(({ start }) => start);
    this.layout = justify(aspects, this.wide, rowHeight, GAP, starts, LINE);
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has("hits") || changed.has("chips")) this.wantMaps();
    const end = this.querySelector(".grid-end");
    this.ends.disconnect();
    if (end) this.ends.observe(end);
  }

  override render() {
    if (!this.wide) return nothing;
    const first = this.hits.some(({ photo }) => photo.id === this.focusId)
      ? this.focusId : this.hits[0]?.photo.id;
    return html`
      <div class="grid" role="list" aria-label="Photos" @keydown=${this.onKey}
        @seen=${this.wantMaps} ${styleOf({ height: `${this.layout.height}px` })}>
        ${this.band ? html`<div class="band" aria-hidden="true" ${styleOf({ left: `${this.band.left}px`, top: `${this.band.top}px`,
          width: `${this.band.right - this.band.left}px`, height: `${this.band.bottom - this.band.top}px` })}></div>` : nothing}
        ${repeat(this.hits, ({ photo }) => photo.id, (hit, index) => this.tile(hit, index, first))}
      </div>
      ${this.layout.lines.map((y, place) => html`<h2 class="line"
        ${styleOf({ top: `${y}px`, height: `${LINE}px` })}>${this.sections[place]?.title}</h2>`)}
      ${this.more ? html`<div class="grid-end">
        ${this.stuck ? html`<p class="problem" role="alert">More photos could not be loaded. ${this.stuck.message}
          <button class="link" type="button" @click=${() => this.tell("more", null)}>Try again</button></p>`
          : html`<button class="quiet" type="button" @click=${() => this.tell("more", null)}>More photos</button>`}
        </div>` : nothing}
    `;
  }

  private tile(hit: Hit, index: number, tabbable: string | undefined) {
    const { photo, maps } = hit;
    const place = this.layout.places[index]!;
    const chip = this.chips[this.active];
    const pointed = this.pointed?.id === photo.id ? this.pointed.region : -1;
    const chosen = this.selected.includes(photo.id);
    return html`<div role="listitem" class=${chosen ? "tile chosen" : "tile"} ${styleOf({
      transform: `translate(${place.x}px, ${place.y}px)`,
      width: `${place.width}px`, height: `${place.height}px` })}>
      <a href=${this.link(photo.id)} data-id=${photo.id} tabindex=${photo.id === tabbable ? 0 : -1}
        @click=${(event: MouseEvent) => this.onClick(event, photo.id)}
        @contextmenu=${(event: PointerEvent) => this.onLongPress(event, photo.id)}
        @focus=${() => (this.focusId = photo.id)}>
        <regard-map .src=${thumbnailUrl(photo.id, sizeFor(place.height * devicePixelRatio))}
          .alt=${describe(hit)} .aspect=${photo.width / photo.height} .eager=${index < 8}
          ${styleOf(inside(photo.width / photo.height, place.width / place.height))}
          .boxes=${maps?.boxes ?? NO_BOXES} .region=${pointed}
          .shown=${maps && chip ? shownOf(maps, this.chips, chip) : hit.differs ? differing(hit.differs.boxes) : null}
          @failed=${() => this.onFailed(photo.id)}
          @look=${(event: CustomEvent<number>) => this.onLook(photo.id, event.detail)}></regard-map>
        ${this.caption(hit, chip)}
      </a><button class="pick" type="button" role="checkbox" tabindex="-1" aria-checked=${chosen ? "true" : "false"}
        aria-label=${`Select ${photo.name}`} title="Select" @click=${(event: MouseEvent) =>
          this.pick(photo.id, event.shiftKey)}>${icons.check}</button>
      <button class=${photo.favourite ? "heart on" : "heart"} type="button" tabindex="-1"
        aria-pressed=${photo.favourite ? "true" : "false"} aria-label=${`Favourite: ${photo.name}`} title="Favourite"
        @click=${() => this.tell("favour", { hit, on: !photo.favourite })}>${icons.heart}</button>${this.stackOf(hit)}</div>`;
  }

  /** How many photos a photo stands for, and the way to them. */
  private stackOf({ photo }: Hit) {
    const under = this.under.get(photo.id);
    if (!under) return nothing;
    const open = this.hits.some(({ photo: { id } }) => id === under[0]!.photo.id);
    return html`<button class="stack" type="button" aria-expanded=${open ? "true" : "false"}
      aria-label=${`${open ? "Hide" : "Show"} ${under.length} more like ${photo.name}`} title=${`${under.length} more like it`}
      @click=${() => this.tell("turn", photo.id)}>${open ? "−" : "+"}${under.length}</button>`;
  }

  private caption(hit: Hit, chip: Chip | undefined) {
    if (hit.differs) return html`<span class="badge" aria-hidden="true">${hit.differs.text}</span>`;
    const unseen = chip && isUnseen(hit, chip);
    const missing = chip ? (unseen ? ["not found here"] : []) : hit.unsupported;
    const label = chip && hit.maps && labelOf(hit.maps, chip);
    const read = wordsRead(hit, chip ? [chip] : this.chips);
    const looks = chip && read.length ? " read here" : label ? `, by its looks: ${label.name}` : "";
    const strength = read.length ? `read “${read.join(" ")}”` : strengthOf(hit);
    if (!chip && !strength && !missing.length) return nothing;
    return html`<span class="badge" aria-hidden="true">${chip
      ? unseen ? nothing : html`<b>${chip.label}</b><span class="of">${looks}</span>`
      : strength ? html`<b>${strength}</b>` : nothing}${missing.length
      ? html`<span class="unseen">${icons.unseen}${missing.join(", ")}</span>` : nothing}</span>`;
  }

  private onClick(event: MouseEvent, id: string) {
    const picking = event.shiftKey || this.selected.length > 0;
    if (event.metaKey || event.ctrlKey || event.button) return;
    event.preventDefault();
    if (picking) this.pick(id, event.shiftKey);
    else this.tell("open", id);
  }

  /** On a touch screen a photo is selected by holding it. */
  private onLongPress(event: PointerEvent, id: string) {
    if (event.pointerType !== "touch") return;
    event.preventDefault();
    this.pick(id, false);
  }

  /** Select a photo or leave it out again; with Shift all from the last one chosen to here. */
  private pick(id: string, range: boolean) {
    const ids = this.hits.map(({ photo }) => photo.id);
    const [from, to] = [ids.indexOf(this.anchor), ids.indexOf(id)].sort((a, b) => a - b) as [number, number];
    if (range && from >= 0) this.select([...this.selected, ...ids.slice(from, to + 1)]);
    else if (this.selected.includes(id)) this.select(this.selected.filter((other) => other !== id));
    else this.select([...this.selected, id]);
    if (!range || from < 0) this.anchor = id;
  }

  private select(ids: string[]) {
    this.tell("select", [...new Set(ids)]);
  }

  private onBand = (band: Rect | null) => {
    const drawn = this.band;
    this.band = band;
    if (band || !drawn) return;
    const inside = this.hits.filter((_, index) => {
      const { x, y, width, height } = this.layout.places[index]!;
      return x < drawn.right && x + width > drawn.left && y < drawn.bottom && y + height > drawn.top;
    });
    this.select([...this.selected, ...inside.map(({ photo }) => photo.id)]);
  };

  /** Ask where words looked in the photos that can be seen, once these are there. */
  private wantMaps = () => {
    if (!this.chips.length) return;
    const wanted = this.hits.filter(({ photo, maps }) =>
      !maps && this.querySelector<RegardMap>(`a[data-id="${photo.id}"] regard-map`)?.seen);
    this.tell("want", wanted.map(({ photo }) => photo.id));
  };

  /** A photo whose file was deleted or changed is none to be found any more. */
  private async onFailed(id: string) {
    const why = await whyNot(thumbnailUrl(id, 320));
    if (why?.status === 404 || why?.status === 409) this.tell("gone", id);
  }

  private onLook(id: string, region: number) {
    this.pointed = region < 0 ? null : { id, region };
    this.tell("region", this.pointed);
  }

  private onKey = (event: KeyboardEvent) => {
    const focused = this.hits.find(({ photo }) => photo.id === this.focusId);
    if (event.key === "l" && focused && !event.metaKey && !event.ctrlKey)
      return this.tell("favour", { hit: focused, on: !focused.photo.favourite });
    if (event.key === " " && (event.target as HTMLElement).matches("a")) {
      event.preventDefault();
      this.pick(this.focusId, false);
      return;
    }
    const from = this.hits.findIndex(({ photo }) => photo.id === this.focusId);
    const to = from < 0 ? -1 : this.neighbour(from, event.key);
    const next = this.hits[to];
    if (!next) return;
    event.preventDefault();
    if (event.shiftKey) this.select([...this.selected, this.focusId, next.photo.id]);
    const link = this.querySelector<HTMLAnchorElement>(`a[data-id="${next.photo.id}"]`)!;
    link.focus();
    this.requestUpdate();
  };

  /** The photo an arrow key leads to; -1 for none. */
  private neighbour(from: number, key: string): number {
    if (key === "ArrowRight") return from + 1 < this.hits.length ? from + 1 : -1;
    if (key === "ArrowLeft") return from - 1;
    if (key === "Home") return 0;
    if (key === "End") return this.hits.length - 1;
    if (key !== "ArrowUp" && key !== "ArrowDown") return -1;
    const here = this.layout.places[from]!;
    const rows = this.layout.places.map(({ y }) => y);
    const beyond = rows.filter((y) => (key === "ArrowDown" ? y > here.y : y < here.y));
    const row = key === "ArrowDown" ? Math.min(...beyond) : Math.max(...beyond);
    let best = -1;
    let nearest = Infinity;
    this.layout.places.forEach((place, index) => {
      const away = Math.abs(place.x + place.width / 2 - here.x - here.width / 2);
      if (place.y === row && away < nearest) [best, nearest] = [index, away];
    });
    return best;
  }

  /** Put the focus on a photo: that of an id, as after the large view closes, or the first. */
  focusPhoto(id = "") {
    this.querySelector<HTMLAnchorElement>(id ? `a[data-id="${id}"]` : '.tile a[tabindex="0"]')?.focus();
  }

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

/** Size of a photo within its tile; only panoramas and strips leave some of it free. */
function inside(aspect: number, tileAspect: number): Record<string, string> {
  return aspect >= tileAspect
    ? { width: "100%", height: `${(100 * tileAspect) / aspect}%` }
    : { width: `${(100 * aspect) / tileAspect}%`, height: "100%" };
}

/** What a screen reader says of a photo. */
function describe(hit: Hit): string {
  const parts = [hit.photo.name, day(hit.photo.taken), hit.differs?.text ?? ""];
  if (hit.is_read) parts.push("what was asked for was read in it");
  else if (strengthOf(hit)) parts.push(`${strengthOf(hit)} match`);
  if (hit.unsupported.length) parts.push(`not found: ${hit.unsupported.join(", ")}`);
  return parts.filter(Boolean).join(", ");
}

customElements.define("regard-grid", RegardGrid);
