// What the page knows of the index beside the list: months, things to type, favourites, a folder under way.

import * as api from "./api.ts";
import { sameList, type View } from "./state.ts";

export class Shelf {
  months: api.Month[] = [];
  things: api.Thing[] = [];
  indexing: api.Indexing | null = null;
  /** Why something asked of it failed. */
  notice = "";
  private listed: View | null = null; // whose months these are
  private looked = false; // whether a folder may be under way since before the page

  constructor(private redraw: () => void) {}

  /** The months of a list of all photos; asked for once each. */
  async monthsOf(view: View, anew: boolean): Promise<api.Month[]> {
    const asked = { ...view, at: "" };
    if (anew || !this.listed || !sameList(this.listed, asked)) {
      this.months = await api.months(view);
      this.listed = asked;
    }
    return this.months;
  }

  /** Words to offer while typing; without them the page does as well. */
  async learn() {
    if (!this.things.length) this.things = await api.things().catch(() => []);
    this.redraw();
  }

  async mark(hit: { photo: api.Photo }, on: boolean) {
    await this.attempt(async () => {
      await api.mark(hit.photo.id, on);
      hit.photo = { ...hit.photo, favourite: on };
    });
  }

  async add(folder: string) {
    await this.attempt(async () => {
      this.indexing = await api.addFolder(folder);
    });
  }

  /** See how far a folder is, as long as one is under way. */
  async follow() {
    const first = !this.looked;
    this.looked = true;
    if (first || this.indexing?.running) await this.attempt(async () => {
      this.indexing = await api.indexing();
    });
  }

  dismiss = () => {
    this.notice = "";
    this.indexing = null;
    this.redraw();
  };

  private async attempt(work: () => Promise<void>) {
    this.notice = "";
    try {
      await work();
    } catch (error) {
      this.notice = (error as Error).message;
    }
    this.redraw();
  }
}
