// How a search was understood, each part taken back by a click: other words, a time, a photo or part of one.

import { html, nothing } from "lit";
import * as api from "./api.ts";
import * as icons from "./icons.ts";
import type { View } from "./state.ts";
import { day } from "./format.ts";
import { styleOf } from "./style-of.ts";

const GREY = "black and white";

/** How its words were read, where not as they were typed. */
export function reading({ query, read_as, language }: api.SearchAnswer, ask: (q: string) => void) {
  if (language) return html`<p class="reading" role="status">Regard reads English; this looks like ${language}.</p>`;
  if (read_as === query) return nothing;
  return html`<p class="reading" role="status">Showing results for <b>${read_as}</b>. Search instead for
    <button class="link" type="button" @click=${() => ask(`"${query}"`)}>${query}</button></p>`;
}

/** The time and the colour that the sentence named. */
export function filterChips({ time, tone }: api.SearchAnswer, ask: (q: string) => void) {
  return html`${time ? chip(html`Taken ${spanOf(time)}`, time, "Any time", ask) : nothing}
    ${tone ? chip(tone.name === GREY ? "Black and white" : `Mostly ${tone.name}`, tone, "Any colour", ask) : nothing}`;
}

function chip(what: unknown, { said, rest }: { said: string; rest: string }, off: string, ask: (q: string) => void) {
  return html`<div class="filter-chip"><span>${what} <small>“${said}”</small></span>
    <button class="tool" type="button" aria-label=${`Search without “${said}”`} title=${off}
      @click=${() => ask(rest)}>${icons.close}</button></div>`;
}

function spanOf({ since, until }: api.Time): string {
  if (since && until) return since === until ? day(since) : `${day(since)} – ${day(until)}`;
  return since ? `since ${day(since)}` : `until ${day(until)}`;
}

export function likeChip(view: View, link: (id: string) => string, off: () => void) {
  const box = view.box ? view.box.split(",").map(Number) : null;
  const per = (value: number) => `${100 * value}%`;
  const [left, top, width, height] = box ?? [];
  return html`<div class="like-chip"><a href=${link(view.like)}
      aria-label=${box ? "The photo a part of which is searched for" : "The photo that is searched for"}><img
      src=${api.thumbnailUrl(view.like, 320)} alt="" height="72" />${box ? html`<i ${styleOf({
        left: per(left!), top: per(top!), width: per(width!), height: per(height!) })}></i>` : nothing}</a>
    <span>Like ${box ? "this part" : "this photo"}${view.q ? html` and <b>${view.q}</b>` : nothing}</span>
    <button class="tool" type="button" aria-label="Search without this photo" title="Search without this photo"
      @click=${off}>${icons.close}</button></div>`;
}
