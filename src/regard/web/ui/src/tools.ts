// What stands beside a large photo: to the one before and the next, and what is done with it.

import { html, nothing } from "lit";
import type { Photo } from "./api.ts";
import * as icons from "./icons.ts";
import type { Screen } from "./slideshow.ts";

interface Walked {
  place: string;
  previousId: string;
  nextId: string;
}

interface Tooled {
  photo: Photo | null;
  sent: boolean;
  box: number[] | null;
  nextId: string;
}

/** To the photo before and the next, where the photo is one of a list. */
export function walk({ place, previousId, nextId }: Walked, goto: (id: string) => void) {
  if (!place) return nothing;
  return html`<button class="tool" type="button" aria-label="Previous photo" ?disabled=${!previousId}
      @click=${() => goto(previousId)}>${icons.left}</button>
    <button class="tool" type="button" aria-label="Next photo" ?disabled=${!nextId}
      @click=${() => goto(nextId)}>${icons.right}</button>`;
}

export function tools({ photo, sent, box, nextId }: Tooled, on: { favour: () => void; part: () => void; screen: Screen }) {
  const { playing, filling } = on.screen;
  const tool = (label: string, icon: unknown, pressed: boolean, act: () => void) => html`<button class="tool"
    type="button" aria-label=${label} title=${label} aria-pressed=${pressed ? "true" : "false"} @click=${act}>${icon}</button>`;
  return html`${photo && !sent ? tool("Favourite", icons.heart, photo.favourite, on.favour) : nothing}
    ${tool("Search by a part of this photo", icons.part, !!box, on.part)}
    ${nextId || playing ? tool(playing ? "Stop the slideshow" : "Slideshow",
      playing ? icons.pause : icons.play, playing, () => on.screen.play()) : nothing}
    ${document.fullscreenEnabled ? tool("Full screen", icons.full, filling, () => on.screen.fill()) : nothing}`;
}
