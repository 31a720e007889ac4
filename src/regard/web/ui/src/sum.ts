// The similarity written as the sum of what every word adds.

import { LitElement, html, nothing } from "lit";
import type { Explained } from "./api.ts";
import { score } from "./format.ts";
import * as icons from "./icons.ts";
import { styleOf } from "./style-of.ts";
import { isUnseen, relevanceOf, shareOf, type Chip } from "./words.ts";

/** Events: `word` while one is hovered or focused, `pin`. */
export class RegardSum extends LitElement {
  static override properties = {
    explained: { attribute: false }, chips: { attribute: false }, light: { attribute: false },
    active: { type: Number }, pinned: { type: Number },
  };
  declare explained: Explained;
  declare chips: Chip[];
  declare light: number[] | null;
  declare active: number;
  declare pinned: number;

  override createRenderRoot() {
    return this;
  }

  override render() {
    const { maps } = this.explained;
    const shares = this.chips.map((chip) => shareOf(maps, chip));
    const widest = Math.max(1e-6, ...shares.map(Math.abs));
    return html`<table class="sum">
      <caption class="hidden">What every word adds to the similarity</caption>
      <thead><tr><th scope="col">word</th><th scope="col">relevance</th><th scope="col"
        class="bar-head"><span class="hidden">adds, drawn</span></th><th scope="col">adds</th></tr></thead>
      <tbody>${this.chips.map((chip, index) => this.row(chip, index, shares[index]!, widest))}</tbody>
      <tfoot><tr><th scope="row">sum</th><td></td><td></td><td>${score(this.explained.similarity, 3)}</td></tr></tfoot>
    </table>`;
  }

  private row(chip: Chip, index: number, share: number, widest: number) {
    const classes = [index === this.active && "active", index === this.pinned && "pinned",
      chip.marker && "marker", chip.counts < 0 && "not", !chip.known && "unknown", this.light && "lighting"];
    return html`<tr class=${classes.filter(Boolean).join(" ")}
      ${styleOf({ "--light": (this.light?.[index] ?? 0).toFixed(3) })}
      @pointerenter=${(event: PointerEvent) => event.pointerType !== "touch" && this.tell("word", index)}
      @pointerleave=${() => this.tell("word", -1)}>
      <th scope="row"><button class="word" type="button" aria-pressed=${index === this.pinned ? "true" : "false"}
        @focus=${(event: FocusEvent) =>
          (event.target as HTMLElement).matches(":focus-visible") && this.tell("word", index)}
        @blur=${() => this.tell("word", -1)} @keydown=${this.onKey}
        @click=${() => this.tell("pin", index === this.pinned ? -1 : index)}>${chip.label}${
          chip.counts < 0 ? html` <small>unwanted</small>` : nothing}${
          isUnseen(this.explained.maps, chip) ? html` <span class="unseen"
            title="Not found in this photo">${icons.unseen}<span class="hidden">not found here</span></span>` : nothing
        }</button></th>
      <td>${score(relevanceOf(this.explained.maps, chip))}</td>
      <td class="bar"><span class=${share < 0 ? "negative" : ""}
        ${styleOf({ width: `${(100 * Math.abs(share)) / widest}%` })}></span></td>
      <td>${score(share, 3)}</td></tr>`;
  }

  private onKey = (event: KeyboardEvent) => {
    const words = [...this.querySelectorAll<HTMLButtonElement>("button.word")];
    const here = words.indexOf(event.target as HTMLButtonElement);
    const next = event.key === "ArrowDown" ? words[here + 1] : event.key === "ArrowUp" ? words[here - 1] : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("regard-sum", RegardSum);
