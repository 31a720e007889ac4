// Folders: one added from the page, and how far it is.

import { html, nothing } from "lit";
import type { Indexing } from "./api.ts";
import { count } from "./format.ts";

/** A form for the path of a folder on this machine. */
export function addFolder(add: (folder: string) => void) {
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem("folder") as HTMLInputElement;
    if (field.value.trim()) add(field.value.trim());
  };
  return html`<details class="add-folder"><summary>Add a folder of photos</summary><form @submit=${onSubmit}>
    <label for="folder">Path of the folder on this machine; nothing in it is changed</label>
    <div class="field"><input id="folder" name="folder" autocomplete="off" spellcheck="false"
      placeholder="/home/me/Pictures" /><button class="primary" type="submit">Add</button></div></form></details>`;
}

/** How far the folder is, or what came of it. */
export function progress(state: Indexing | null, dismiss: () => void) {
  if (!state?.folder) return nothing;
  const { running, folder, done, total, added, skipped, error } = state;
  if (running)
    return html`<div class="indexing" role="status"><label>Indexing ${folder}: ${total
      ? `${done.toLocaleString("en-GB")} of ${count(total, "photo")}` : "looking for photos…"}
      <progress max=${total || 1} .value=${total ? done : 0}></progress></label></div>`;
  const end = error || `${count(added, "photo")} added from ${folder}${skipped
    ? `; ${count(skipped, "file")} could not be read` : ""}.`;
  return html`<div class=${error ? "problem" : "indexing"} role=${error ? "alert" : "status"}>${end}
    <button class="link" type="button" @click=${dismiss}>Dismiss</button></div>`;
}
