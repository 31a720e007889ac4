// When, with what and how a photo was taken, and where its file is; never where it was taken.

import { html, nothing } from "lit";
import type { Details, Photo } from "./api.ts";
import { bytes, moment } from "./format.ts";

export function info(photo: Photo, details: Details | null) {
  const rows: [string, string][] = [
    ["Taken", moment(photo.taken) || "unknown"],
    ["Size", [`${photo.width} × ${photo.height}`, details && bytes(details.bytes)].filter(Boolean).join(" · ")],
    ["Camera", details?.camera ?? ""],
    ["Lens", details?.lens ?? ""],
    ["Exposure", details?.exposure ?? ""],
    ["Folder", details?.path ? "" : photo.folder],
    ["File", details?.path ?? photo.name],
  ];
  return html`<dl class="info">${rows.map(([name, value]) => (value
    ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing))}</dl>`;
}
