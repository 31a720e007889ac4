// How to read the page and steer it by keys, in a dialog.

import { LitElement, html } from "lit";
import * as icons from "./icons.ts";

const KEYS: [string[], string][] = [
  [["/"], "to the sentence"],
  [["↓"], "in the sentence: to the photos"],
  [["←", "→"], "on a word: to the next word"],
  [["↑", "↓"], "on a word: set its importance"],
  [["Delete"], "on a word: switch it off or on"],
  [["Enter"], "on a word: keep its maps shown"],
  [["←", "→", "↑", "↓"], "on a photo: to another photo"],
  [["Space"], "on a photo: select it"],
  [["l"], "on a photo: mark it as a favourite, or unmark it"],
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
        <dt>Strong, possible, weak</dt><dd>How well a photo fits. When one thing was searched for in everyday
          photos, 9 in 10 strong matches showed it, 5 in 10 possible ones and 1 in 10 weak ones. In busy scenes it
          was 5, 3 and 1 in 10. Weak ones come after “Less likely”. Where no match is strong the page says “No sure
          match”; what you are looking for may be there all the same. The numbers are under Details.</dd>
        <dt>${icons.unseen} not found</dt><dd>The photo does not show what this word names, as far as the model
          can tell. Regard does not know words with a wavy line.</dd>
        <dt>Light and line</dt><dd>Where the word looked. A line runs around the bright part. Where a word adds
          little, the photo stays dark.</dd>
        <dt>Found because</dt><dd>The words that add most, the first most of all.</dd>
        <dt>Relevance, adds</dt><dd>Relevance is how well a word fits what it looked at, from −1 to 1. What all
          words add sums to the photo’s similarity.</dd>
        <dt>Whole sentence</dt><dd>The sentence as a whole counts like one more word. Words that name nothing, such as
          “a” and “in”, add nothing of their own; with some models they do, as “rest of the sentence”.</dd>
        <dt>Dates, colours</dt><dd>“beach july 2019”, “last summer”, “a dog in black and white” and “mostly blue” are
          filters; “without people” counts
          against a photo. Put a sentence in quotation marks to take it as it stands.</dd>
        <dt>Text in photos</dt><dd>After <code>regard index --read-text</code>, photos that have your words written on
          them come first, marked “read here”. In <code>a bus "london"</code> only “london” must be written.</dd>
        <dt>Several sentences</dt><dd><code>a dog; 2: grass; -1: a leash</code> asks for a dog, for grass twice
          as much, and for no leash.</dd>
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
