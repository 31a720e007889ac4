// What can be done with a photo's file, and with several at once.

import { html, nothing } from "lit";
import * as api from "./api.ts";

/** Tell what came of an action: a short note, or why it failed. */
type Tell = (note: string) => void;

async function attempt(work: () => Promise<string>, tell: Tell) {
  try {
    tell(await work());
  } catch (error) {
    tell((error as Error).message);
  }
}

export function copyPaths(ids: string[], tell: Tell) {
  return attempt(async () => {
    const paths = await api.paths(ids);
    await navigator.clipboard.writeText(paths.join("\n"));
    return paths.length === 1 ? "Path copied." : `${paths.length} paths copied.`;
  }, tell);
}

function show(id: string, tell: Tell) {
  return attempt(async () => {
    await api.showFile(id);
    return "Shown in the file manager.";
  }, tell);
}

/** Buttons for one photo of the index; where its file is, is for this machine alone. */
export function actions(id: string, local: boolean, tell: Tell) {
  return html`<div class="actions">
    <a class="quiet" href=${api.fileUrl(id)} target="_blank" rel="noopener">Open original</a>
    <a class="quiet" href=${api.fileUrl(id, true)} download>Download</a>
    ${local ? html`<button class="quiet" type="button" @click=${() => copyPaths([id], tell)}>Copy path</button>
    <button class="quiet" type="button" @click=${() => show(id, tell)}>Show in folder</button>` : nothing}
  </div>`;
}

/** The bar of photos that were selected. */
export function selectionBar(ids: string[], local: boolean, note: string, tell: Tell, clear: () => void) {
  return html`<div class="selection" role="region" aria-label="Selected photos">
    <b>${ids.length} selected</b>
    <a class="quiet" href=${api.zipUrl(ids)} download="photos.zip">Download as zip</a>
    ${local ? html`<button class="quiet" type="button" @click=${() => copyPaths(ids, tell)}>Copy
      ${ids.length === 1 ? "path" : "paths"}</button>` : nothing}
    <button class="quiet" type="button" @click=${clear}>Clear</button>
    <span role="status">${note}</span>
  </div>`;
}
