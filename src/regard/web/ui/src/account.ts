// What a photo's score is made of: the sum of its words, and the rest under Details.

import { html, nothing } from "lit";
import * as api from "./api.ts";
import { count, percent, score, strengthOf } from "./format.ts";
import * as icons from "./icons.ts";
import { settings } from "./settings.ts";
import type { View } from "./state.ts";
import { areScored, readsOf, reasonsOf, type Chip } from "./words.ts";

/** What the list knows of a photo. */
export interface Listed {
  /** That it fits the sentence searched for, as the best of so many photos; null where not known. */
  likely: number | null;
  among: number;
  /** Its score in the list, where the list weights its words; null where it does not. */
  weighted: number | null;
}

/** How well it fits and why, above the words. */
export function reasons(explained: api.Explained, chips: Chip[], listed: Listed, searched: boolean) {
  const strength = strengthOf({ match_probability: searched && explained.is_default ? listed.likely : null });
  const [first, ...others] = reasonsOf(explained.maps, chips);
  const read = chips.filter((chip) => readsOf(explained.maps, chip).length).map(({ label }) => label);
  return html`<div class="reasons">
      ${strength ? html`<b class="strength ${strength}">${strength} match</b>` : nothing}
      <p>${first ? html`Found because: <b>${first}</b>${others.map((other) => `, ${other}`)}`
        : areScored(explained.maps, chips) ? "No word by itself explains this photo."
          : "Words show where they look; they are not part of the score."}</p></div>
    ${read.length ? html`<p class="note">Read here: <b>${read.join(", ")}</b></p>` : nothing}
    ${explained.maps.unsupported.length ? html`<p class="unseen-note">${icons.unseen}Not found here:
      <b>${explained.maps.unsupported.join(", ")}</b></p>` : nothing}`;
}

/** The numbers, for who wants them. */
function numbers(explained: api.Explained, chips: Chip[], listed: Listed, searched: boolean) {
  return html`<div class="verdict-line"><b class="big">${score(explained.similarity, 3)}</b> similarity
      ${odds(explained, listed, searched)}</div>
    ${listed.weighted !== null && searched ? html`<p class="note">Words count alike here; as you weighted
      them it scores ${score(listed.weighted, 3)}.</p>` : nothing}
    ${chips.filter(({ marker, indices }) => marker && indices.length > 1).map(({ label, indices }) => html`<p
      class="note rest">${label}: ${indices.map((index) =>
        `${explained.words[index]!.text} ${score(explained.maps.words[index]!.share, 3)}`).join(" · ")}</p>`)}`;
}

/** How likely the sentence describes the photo: among all that were searched, or as a pair. */
function odds({ probability, is_default }: api.Explained, listed: Listed, asked: boolean) {
  const searched = listed.likely !== null && is_default && asked;
  const likely = searched ? listed.likely : probability;
  if (likely === null) return nothing;
  const why = searched ? `How likely the best of ${count(listed.among, "photo")} fits when it scores like this one`
    : "How likely the sentence describes the photo, if half of such pairs did";
  return html`<span class="likely" title="${why}; measured on photos with known captions."
    >${percent(likely)} ${searched ? "likely" : "likely at even odds"}</span>`;
}

/** For researchers: numbers, direction, sharpness, the figure; `turn` is told when it opens or closes. */
export function inDepth(id: string, choice: api.ExplainChoice, explained: api.Explained, chips: Chip[],
  listed: Listed, searched: boolean, open: boolean, turn: (open: boolean) => void, ask: (change: Partial<View>) => void) {
  return html`<details class="depth" ?open=${open || !explained.is_default}
    @toggle=${(event: Event) => turn((event.target as HTMLDetailsElement).open)}><summary>Details</summary>
    ${numbers(explained, chips, listed, searched)}
    ${settings(explained, ask)}
    <p class="downloads">${icons.download}<span>Figure</span>
      <a href=${api.figureUrl(id, choice, "png")} download="regard.png">PNG</a>
      <a href=${api.figureUrl(id, choice, "svg")} download="regard.svg">SVG</a>
      <span>Numbers</span><a href=${api.explainUrl(id, choice)} download="regard.json">JSON</a></p>
  </details>`;
}
