// How to read the page and steer it by keys, in a dialog.

import { LitElement, html } from "lit";
import * as icons from "./icons.ts";

const KEYS: [string[], string][] = [
  [["/"], "to the sentence"],
  [["↓"], "in the sentence: to the photos"],
  [["←", "→"], "on a word: to the next word"],
  [["↑", "↓"], "on a word: weight it"],
  [["Delete"], "on a word: switch it off or on"],
  [["Enter"], "on a word: keep its maps shown"],
  [["←", "→", "↑", "↓"], "on a photo: to another photo"],
  [["Space"], "on a photo: select it"],
  [["l"], "on a photo, large or not: a favourite, or no longer"],
  [["Enter"], "on a photo: show it large"],
  [["←", "→"], "in the large view: to the photo before or after"],
  [["+", "-", "0"], "in the large view: zoom in, out, the whole photo"],
  [["f", "s", "p"], "in the large view: full screen, slideshow, search by a part"],
  [["Esc"], "back"],
  [["?"], "this help"],
];

/** Event: `done`. */
export class RegardHelp extends LitElement {
  override createRenderRoot() {
    return this;
  }

  override firstUpdated() {
    const dialog = this.querySelector("dialog")!;
    dialog.showModal();
    dialog.focus(); // not the link and the button at its end
    dialog.scrollTop = 0; // which were scrolled to
  }

  override render() {
    return html`<dialog class="help" tabindex="-1" aria-labelledby="help-title" @close=${this.tell} @click=${this.onClick}>
      <div>
      <h2 id="help-title">How to read this page</h2>
      <dl>
        <dt>Strong, possible, weak</dt><dd>How well a photo fits. Where one thing was asked for, of photos on
          which 80 kinds of things are listed, 9 in 10 strong matches showed it, 5 in 10 possible and 1 in 10 weak
          ones; of scenes with 135 kinds 5, 3 and 1 in 10. Weak ones come after “Less likely”. Where no match is
          strong the page says “No sure match”: what you look for may be there all the same.
          The numbers are under Details.</dd>
        <dt>${icons.unseen} not found</dt><dd>The photo shows nothing of what this word names, as far as the model
          can tell. A word with a wavy line is one the model never read.</dd>
        <dt>Light and line</dt><dd>Where the word in hand looked; the line runs around the bright part. A word that
          adds little to a photo stays dark there.</dd>
        <dt>Found because</dt><dd>Words that add most, what adds most first.</dd>
        <dt>Relevance, adds</dt><dd>How alike a word and what it looked at are, from −1 to 1; and its part of the
          photo’s similarity, which is the sum of what all words add.</dd>
        <dt>Whole sentence</dt><dd>What the sentence adds as a whole, as one more word. Words that name nothing,
          as “a” and “in”, add nothing; with other models they do, as the rest of the sentence.</dd>
        <dt>Dates, colours</dt><dd>“beach july 2019”, “last summer”, “a dog in black and white” and “mostly blue” are
          filters; “without people” counts
          against a photo. Put a sentence in quotation marks to have it taken as it stands.</dd>
        <dt>Text in photos</dt><dd>After <code>regard index --read-text</code> photos with what you ask for written on
          them come first. “Read here” is where. With <code>a bus "london"</code> only what is quoted must be written.</dd>
        <dt>Several sentences</dt><dd><code>a dog; 2: grass; -1: a leash</code> wants grass twice as much and
          no leash.</dd>
        <dt>Your own photo</dt><dd>Drop one anywhere. It stays in memory for a while and is not written to disk
          unless you ask.</dd>
      </dl>
      <h3>Keys</h3>
      <table><tbody>${KEYS.map(([keys, does]) => html`<tr><td>${keys.map((key) => html`<kbd>${key}</kbd> `)}</td>
        <td>${does}</td></tr>`)}</tbody></table>
      <p class="note">For programs: <a href="/api/v1/openapi.json">the HTTP API’s description</a>.</p>
      <form method="dialog"><button class="primary">Close</button></form>
      </div>
    </dialog>`;
  }

  /** A click beside the dialog closes it. */
  private onClick = (event: MouseEvent) => {
    if (event.target === event.currentTarget) (event.currentTarget as HTMLDialogElement).close();
  };

  private tell = () => {
    this.dispatchEvent(new CustomEvent("done", { bubbles: true }));
  };
}

customElements.define("regard-help", RegardHelp);
