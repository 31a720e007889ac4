// Turning how the large photo is scored: the attention's direction and its sharpness.

import { html, nothing } from "lit";
import type { Explained } from "./api.ts";
import type { Direction, View } from "./state.ts";

const DIRECTIONS: [Direction, string, string][] = [
  ["t2i", "Words look at regions", "Every word attends to the regions of the photo (t2i)"],
  ["i2t", "Regions look at words", "Every region attends to the words of the sentence (i2t)"],
];

export function settings(explained: Explained, ask: (change: Partial<View>) => void) {
  return html`<div class="settings">
    <div class="switch" role="group" aria-label="Attention direction">
      ${DIRECTIONS.map(([direction, label, title]) => html`<button type="button" title=${title}
        aria-pressed=${explained.direction === direction ? "true" : "false"}
        @click=${() => ask({ direction })}>${label}</button>`)}
    </div>
    <label class="temperature"><span>Sharpness of attention λ<sub>1</sub></span>
      <input type="range" min="0" max="100" step="1" .value=${String(toSlider(explained.temperature))}
        aria-valuetext=${explained.temperature.toFixed(1)}
        @input=${(event: Event) =>
          ask({ temperature: fromSlider(Number((event.target as HTMLInputElement).value)) })} />
      <output>${explained.temperature.toFixed(1)}</output>
    </label>
    ${explained.is_default ? nothing : html`<p class="note">Not as the model was trained: this score is for
      exploring, not for ranking. <button class="link" type="button"
      @click=${() => ask({ direction: "", temperature: null })}>Back to the model's own</button></p>`}
  </div>`;
}

/** λ1 from 1 to 50 on a logarithmic slider of 0 to 100. */
export function toSlider(temperature: number): number {
  return Math.round((100 * Math.log(Math.max(1, temperature))) / Math.log(50));
}

export function fromSlider(place: number): number {
  return Number((50 ** (place / 100)).toFixed(1));
}
