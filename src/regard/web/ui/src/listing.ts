// The list of photos: what was asked, what came, and which of it is shown; asks the API page by page.

import { LitElement } from "lit";
import * as api from "./api.ts";
import { likelyFirst, likelyOf, lineBefore } from "./fold.ts";
import { titleOf } from "./heading.ts";
import { Looks } from "./looks.ts";
import { Shelf } from "./shelf.ts";
import { stack, stackLines, turn } from "./stacks.ts";
import { BLANK, isSearch, readView, type View } from "./state.ts";
import { monthsOf, offsetOf } from "./timeline.ts";
import { chipsOf, knownBy, type Chip } from "./words.ts";

const PAGE = 40;

export class Listing extends LitElement {
  static override properties = {
    view: { state: true }, answer: { state: true }, hits: { state: true }, busy: { state: true },
    error: { state: true }, stuck: { state: true }, stats: { state: true }, lost: { state: true },
    selected: { state: true }, unfolded: { state: true },
  };
  declare view: View;
  declare answer: api.SearchAnswer | null;
  declare hits: api.Hit[];
  declare busy: boolean;
  /** Why the list asked for is not there. */
  declare error: api.ApiError | null;
  /** Why its next page is not. */
  declare stuck: api.ApiError | null;
  declare stats: api.Stats | null;
  /** Whether the server cannot be reached. */
  declare lost: boolean;
  /** Ids of photos that are selected. */
  declare selected: string[];
  /** Whether photos that fit less are shown. */
  declare unfolded: boolean;

  protected chips: Chip[] = [];
  protected listed: View = BLANK; // what the list shown was asked with
  protected start = 0; // place of the list's first photo among all
  protected asking = true; // whether what is awaited is another list, not more of this one
  protected ended = false; // whether the list has no further page
  protected shelf = new Shelf(() => this.requestUpdate());
  protected looks = new Looks(() => (this.hits = [...this.looks.fill(this.listed, this.hits)]));
  protected under: ReadonlyMap<string, api.Hit[]> = new Map(); // photos that one of the list stands for
  private got = 0; // photos that came, those under others too
  private requests = new AbortController();

  constructor() {
    super();
    this.view = readView(location.search);
    this.answer = this.stats = this.error = this.stuck = null;
    this.hits = [];
    this.selected = [];
    this.busy = this.lost = this.unfolded = false;
  }

  /** The large view walks on past what is loaded. */
  override updated() {
    const at = this.hits.findIndex(({ photo }) => photo.id === this.view.photo);
    const near = at >= 0 && at > this.hits.length - 4;
    if (near && !this.folds && !this.ended && !this.busy && !this.stuck && !this.error) void this.load(true);
  }

  private async count() {
    try {
      this.stats = await api.stats();
    } catch {
      this.stats = null; // asked again with the next list
    }
  }

  /** Ask for the list of the view, or for its next page. */
  protected async load(more = false) {
    this.requests.abort();
    this.requests = new AbortController();
    const { signal } = this.requests;
    const { view } = this;
    this.busy = true;
    this.asking = !more;
    this.stuck = null;
    if (!this.stats) void this.count();
    try {
      const months = isSearch(view) || view.dup ? [] : await this.shelf.monthsOf(view, !more);
      if (!more) this.start = offsetOf(months, view.at);
      const answer = await api.search(view, this.start + (more ? this.got : 0), PAGE, signal);
      const { tops, below } = stack(more ? this.hits : [], more ? this.under : new Map(), answer.hits, view.dup);
      this.got = answer.offset + answer.hits.length - this.start;
      this.under = below;
      this.hits = this.looks.fill(view, likelyFirst(tops));
      this.chips = knownBy(chipsOf(answer.words), this.hits);
      this.answer = answer;
      this.listed = view;
      this.ended = answer.hits.length < PAGE;
      this.error = null;
      this.lost = false;
      if (!more) [this.selected, this.unfolded] = [[], false];
    } catch (error) {
      if (signal.aborted) return;
      if (more) this.stuck = api.asError(error);
      else this.error = api.asError(error);
      this.lost ||= api.asError(error).status === 0;
    }
    this.busy = false;
    document.title = isSearch(this.view) ? `${this.view.q || titleOf(this.view)} – Regard` : "Regard";
  }

  /** Wait no longer for the list. */
  protected stop = () => {
    this.requests.abort();
    this.busy = false;
    this.error = new api.ApiError(503, "Stopped.", "");
  };

  /** Show the photos that one stands for, or no longer. */
  protected turnStack(id: string) {
    this.hits = this.looks.fill(this.listed, turn(this.hits, id, this.under.get(id) ?? []));
  }

  protected get likely(): number {
    return this.answer ? likelyOf(this.answer, this.hits, this.listed) : 0;
  }

  /** Whether less likely photos are kept back. */
  protected get folds(): boolean {
    return !this.unfolded && this.likely > 0 && this.likely < this.hits.length;
  }

  protected get shown(): api.Hit[] {
    return this.folds ? this.hits.slice(0, this.likely) : this.hits;
  }

  protected get lines() {
    if (this.listed.dup) return stackLines(this.hits);
    if (!isSearch(this.listed)) return monthsOf(this.shown);
    return lineBefore(this.likely, this.shown.length);
  }
}
