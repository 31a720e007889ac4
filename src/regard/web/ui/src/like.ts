// What a search asks for beside its words, each taken off by a click: a photo or a part of one, a time.

import { html, nothing } from "lit";
import * as api from "./api.ts";
import * as icons from "./icons.ts";
import type { View } from "./state.ts";
import { day } from "./format.ts";
import { styleOf } from "./style-of.ts";

/** The time that the sentence named. */
export function timeChip({ said, since, until }: api.Time, off: () => void) {
  const span = since && until ? (since === until ? day(since) : `${day(since)} – ${day(until)}`)
    : since ? `since ${day(since)}` : `until ${day(until)}`;
  return html`<div class="time-chip"><span>Taken ${span} <small>“${said}”</small></span>
    <button class="tool" type="button" aria-label=${`Search without “${said}”`} title="Any time"
      @click=${off}>${icons.close}</button></div>`;
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
