// The sentence as chips: look at a word's maps, switch it off, weight it.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import * as icons from "./icons.ts";
import { styleOf } from "./style-of.ts";
import { countsAt, step, unknownIn, weightOf, type Chip } from "./words.ts";

/** Events: `word` (shown while hovered or focused), `pin`, `weigh`, `swap` an unknown word. */
export class RegardChips extends LitElement {
  static override properties = {
    chips: { attribute: false }, weights: { attribute: false }, light: { attribute: false },
    active: { type: Number }, pinned: { type: Number }, unseen: { attribute: false }, nowhere: { attribute: false },
    refused: { type: Boolean }, most: { type: Number }, stop: { state: true }, weighing: { state: true },
  };
  declare chips: Chip[];
  declare weights: number[] | null;
  /** How strongly each chip looks at the region under the pointer; null without one. */
  declare light: number[] | null;
  declare active: number;
  declare pinned: number;
  /** Which words no photo of the list shows, and which the photo under the pointer does not. */
  declare nowhere: boolean[];
  declare unseen: boolean[];
  /** Whether the last word that counts was to be switched off. */
  declare refused: boolean;
  /** What a word may count at most, as the server says. */
  declare most: number;
  /** The one word the Tab key stops at. */
  declare stop: number;
  /** Whether the slider is wanted where a finger does not open it by looking at a word. */
  declare weighing: boolean;

  constructor() {
    super();
    this.chips = [];
    this.weights = this.light = null;
    this.active = this.pinned = -1;
    this.nowhere = this.unseen = [];
    this.refused = false;
    this.most = 1;
    this.stop = 0;
    this.weighing = false;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (this.stop >= this.chips.length) this.stop = 0;
    if (changed.has("pinned")) this.weighing = !matchMedia("(pointer: coarse)").matches;
  }

  override createRenderRoot() {
    return this;
  }

  override render() {
    return html`
      <div class="chips" role="group" aria-label="Words of the sentence">
        ${this.chips.map((chip, index) => html`${this.opening(chip, index)}${this.chip(chip, index)}`)}
      </div>
      ${this.refused ? html`<p class="refused" role="status">At least one word must count. Switch another one
        on first.</p>` : nothing}
      ${this.pinned >= 0 && this.chips[this.pinned] ? this.bar(this.chips[this.pinned]!) : nothing}
      ${unknownIn(this.chips).map((chip) => this.unknown(chip))}
      ${this.nowhere.some(Boolean) ? html`<p class="unseen-note">${icons.unseen}
        No photo below shows <b>${this.chips.filter((_, index) => this.nowhere[index])
          .map(({ label }) => label).join(", ")}</b>, as far as the model can tell.</p>` : nothing}
    `;
  }

  /** What begins here, where a query has several sentences. */
  private opening(chip: Chip, index: number) {
    const counts = countsAt(this.chips, index);
    if (!counts) return nothing;
    const unwanted = chip.counts < 0;
    return html`<span class=${unwanted ? "part not" : "part"} title=${unwanted
      ? `Unwanted: this sentence counts ${counts}` : `This sentence counts ${counts}`}>${counts}${
      unwanted ? html`<span class="hidden"> unwanted:</span>` : nothing}</span>`;
  }

  private chip(chip: Chip, index: number) {
    const weight = weightOf(chip, this.weights);
    const classes = [
      "chip", weight === 0 && "off", index === this.active && "active", index === this.pinned && "pinned",
      !chip.known && "unknown", chip.marker && "marker", chip.counts < 0 && "not", this.light && "lighting",
      this.unseen[index] && "unseen",
    ];
    const light = this.light?.[index] ?? 0;
    return html`<span class=${classes.filter(Boolean).join(" ")} ${styleOf({ "--light": light.toFixed(3) })}>
      <button class="dot" type="button" role="switch" tabindex="-1" aria-checked=${weight > 0 ? "true" : "false"}
        aria-label=${`Count “${chip.label}”`} title=${weight > 0 ? "Switch off" : "Switch on"}
        @click=${() => this.weigh(index, weight > 0 ? 0 : 1)}></button>
      <button class="label" type="button" tabindex=${index === this.stop ? 0 : -1} aria-pressed=${index === this.pinned ? "true" : "false"}
        title=${hint(chip)} @click=${() => this.pin(index)}
        @pointerenter=${(event: PointerEvent) => event.pointerType !== "touch" && this.look(index)}
        @pointerleave=${() => this.look(-1)} @focus=${(event: FocusEvent) => this.onFocus(event, index)}
        @blur=${() => this.look(-1)}
        @keydown=${(event: KeyboardEvent) => this.onKey(event, index, weight)}>
        ${this.unseen[index] ? html`${icons.unseen}<span class="hidden">not found: </span>` : nothing
        }${chip.label}${weight !== 1 && weight > 0 ? html` <small>×${weight}</small>` : nothing}
      </button>
    </span>`;
  }

  private bar(chip: Chip) {
    const weight = weightOf(chip, this.weights);
    if (!this.weighing)
      return html`<div class="word-bar"><button class="quiet" type="button" @click=${() => (this.weighing = true)}
        >Importance of “${chip.label}”</button></div>`;
    return html`<div class="word-bar">
      <label><span>Importance of “<b>${chip.label}</b>”</span>
        <input type="range" min="0" max=${this.most} step="0.25" .value=${live(String(weight))}
          aria-valuetext=${weight === 0 ? "off" : `times ${weight}`}
          @input=${(event: Event) =>
            this.weigh(this.pinned, Number((event.target as HTMLInputElement).value))} />
      </label>
      <output>${weight === 0 ? "off" : `×${weight}`}</output>
      <button class="quiet" type="button" @click=${() => this.pin(this.pinned)}>Done</button>
    </div>`;
  }

  private unknown(chip: Chip) {
    return html`<p class="unknown-note">Regard does not know the word <b>${chip.label}</b>.
      ${chip.nearest.length
        ? html`Did you mean ${chip.nearest.map((near, index) => html`${index ? " or " : ""}<button
            class="link" type="button" @click=${() => this.tell("swap", { word: chip.label, by: near })}
            >${near}</button>`)}?`
        : "Try another one."}</p>`;
  }

  private onFocus(event: FocusEvent, index: number) {
    this.stop = index;
    if ((event.target as HTMLElement).matches(":focus-visible")) this.look(index);
  }

  private onKey(event: KeyboardEvent, index: number, weight: number) {
    const labels = [...this.querySelectorAll<HTMLButtonElement>(".label")];
    if (event.key === "ArrowRight") labels[index + 1]?.focus();
    else if (event.key === "ArrowLeft") labels[index - 1]?.focus();
    else if (event.key === "ArrowUp") this.weigh(index, step(weight, true, this.most));
    else if (event.key === "ArrowDown") this.weigh(index, step(weight, false, this.most));
    else if (event.key === "Delete" || event.key === "Backspace") this.weigh(index, weight > 0 ? 0 : 1);
    else return;
    event.preventDefault();
  }

  private look(index: number) {
    this.tell("word", index);
  }

  private pin(index: number) {
    this.tell("pin", index === this.pinned ? -1 : index);
  }

  private weigh(index: number, weight: number) {
    this.tell("weigh", { index, weight });
  }

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

function hint(chip: Chip): string {
  if (chip.marker)
    return "What the sentence as a whole adds. Click to keep it shown.";
  return "See where this word looked. Click to keep it shown; arrow up and down set its importance.";
}

customElements.define("regard-chips", RegardChips);
