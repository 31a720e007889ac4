// Which photos are searched, and in which order they come.

import { LitElement, html, nothing } from "lit";
import { FAVOURITES_URL, type Stats } from "./api.ts";
import { count } from "./format.ts";
import { BLANK, UNFILTERED, filterCount, type View } from "./state.ts";

/** Event: `ask` with changes of the view. */
export class RegardFilters extends LitElement {
  static override properties = { view: { attribute: false }, stats: { attribute: false } };
  declare view: View;
  declare stats: Stats | null;

  override createRenderRoot() {
    return this;
  }

  override render() {
    const { view, stats } = this;
    const folders = (stats?.folders ?? []).filter(({ name }) => name);
    return html`<form class="filters" aria-label="Filters" @submit=${(event: Event) => event.preventDefault()}>
      ${folders.length > 1 || view.folder || (folders.length && folders[0]!.photos < stats!.photos) ? html`<label>Folder <select @change=${(event: Event) => this.ask({ folder: valueOf(event) })}>
        <option value="" ?selected=${!view.folder}>All folders</option>
        ${folders.map(({ name, photos }) => html`<option value=${name}
          ?selected=${view.folder === name}>${name} · ${count(photos, "photo")}</option>`)}
      </select></label>` : nothing}
      ${stats?.first_taken || view.since || view.until ? html`<label>Taken from <input type="date" .value=${view.since} max=${view.until}
        @change=${(event: Event) => this.ask({ since: valueOf(event) })} /></label>
      <label>to <input type="date" .value=${view.until} min=${view.since}
        @change=${(event: Event) => this.ask({ until: valueOf(event) })} /></label>` : nothing}
      <label>Shape <select @change=${(event: Event) => this.ask({ shape: valueOf(event) })}>
        ${[["", "Any"], ["landscape", "Landscape"], ["portrait", "Portrait"], ["square", "Square"]].map(
          ([value, label]) => html`<option value=${value!} ?selected=${view.shape === value}>${label}</option>`)}
      </select></label>
      <label class="check"><input type="checkbox" .checked=${view.fav}
        @change=${(event: Event) => this.ask({ fav: (event.target as HTMLInputElement).checked })} /> Favourites</label>
      <button class="quiet" type="button" aria-pressed=${view.dup ? "true" : "false"}
        @click=${() => this.ask({ ...BLANK, dup: !view.dup })}>Near-duplicates</button>
      ${view.fav ? html`<a class="quiet" href=${FAVOURITES_URL} download="favourites.txt">Save as a list</a>` : nothing}
      ${view.q ? html`<label>Order <select
        @change=${(event: Event) => this.ask({ sort: valueOf(event) as View["sort"] })}>
        <option value="relevance" ?selected=${view.sort === "relevance"}>Best match first</option>
        <option value="date" ?selected=${view.sort === "date"}>Newest of the matches first</option>
      </select></label>` : nothing}
      ${filterCount(view) ? html`<button class="quiet" type="button"
        @click=${() => this.ask(UNFILTERED)}>Clear</button>` : nothing}
    </form>`;
  }

  private ask(detail: Partial<View>) {
    this.dispatchEvent(new CustomEvent("ask", { detail, bubbles: true }));
  }
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

customElements.define("regard-filters", RegardFilters);
