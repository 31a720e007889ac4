// What can be done with the words, told until the reader has read it.

import { html, nothing } from "lit";

const KEY = "regard-hint-read";

export function hint(dismissed: () => void) {
  if (localStorage.getItem(KEY)) return nothing;
  const touch = matchMedia("(pointer: coarse)").matches;
  const read = () => {
    localStorage.setItem(KEY, "1");
    dismissed();
  };
  return html`<p class="hint">${touch
    ? "Tap a word to see where it looked in every photo; its dot switches it off."
    : "Point at a word to see where it looked in every photo, or at a photo to see which words look there. "
      + "Click a word to set its importance; its dot switches it off."}
    <button class="link" type="button" @click=${read}>Got it</button></p>`;
}
