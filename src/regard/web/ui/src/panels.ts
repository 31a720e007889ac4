// Below the large photo: it again for every word, and photos like it.

import { html, nothing } from "lit";
import * as api from "./api.ts";
import * as icons from "./icons.ts";
import "./map.ts";
import { styleOf } from "./style-of.ts";
import { isUnseen, shownOf, shownOfSentence, type Chip, type Shown } from "./words.ts";

/** One map a word, and one of the whole sentence; `show` is told which word was chosen. */
export function panels({ photo, maps }: api.Explained, chips: Chip[], show: (index: number) => void) {
  const aspect = photo.width / photo.height;
  const map = (alt: string, shown: Shown | null) => html`<regard-map .src=${api.thumbnailUrl(photo.id, 320)} .alt=${alt}
    .aspect=${aspect} .boxes=${maps.boxes} .shown=${shown} ${styleOf({ "aspect-ratio": String(aspect) })}
    ></regard-map>`;
  const panel = (chip: Chip, index: number) => html`<figure class="panel">
    ${map(isUnseen(maps, chip) ? photo.name : `Where “${chip.label}” looked`, shownOf(maps, chips, chip))}
    <figcaption><button class="link plain" type="button" @click=${() => show(index)}>${chip.label}</button>${
      isUnseen(maps, chip) ? html` <span class="unseen">${icons.unseen}not found here</span>` : nothing}</figcaption></figure>`;
  return html`<section><h3>Word by word</h3><div class="panels">
    ${chips.map((chip, index) => (chip.marker ? nothing : panel(chip, index)))}
    ${chips.length > 2 ? html`<figure class="panel">${map("Where the whole sentence looked", shownOfSentence(maps))}
      <figcaption><i>the whole sentence</i></figcaption></figure>` : nothing}
  </div></section>`;
}

/** Photos like one; `open` is told when another is to be looked at here. */
export function similar(hits: api.Hit[], link: (id: string) => string, open: (id: string) => void) {
  const onClick = (event: MouseEvent, id: string) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(id);
  };
  return html`<section><h3>More like this</h3><div class="strip">${hits.map(({ photo }) => html`<a
    href=${link(photo.id)} @click=${(event: MouseEvent) => onClick(event, photo.id)}><img
    src=${api.thumbnailUrl(photo.id, 320)} alt=${photo.name} loading="lazy"
    width=${Math.round((120 * photo.width) / photo.height)} height="120" /></a>`)}</div></section>`;
}
