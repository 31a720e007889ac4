// Searches kept in this browser: the last ones, and those somebody saved; and what to type next.

import { html } from "lit";
import type { Thing } from "./api.ts";
import { count } from "./format.ts";

const MOST_RECENT = 8;
const MOST_OFFERED = 10;
const LEAST = 2; // letters of a word before it is completed

type Kind = "recent" | "saved";

export function kept(kind: Kind): string[] {
  try {
    const texts: unknown = JSON.parse(localStorage.getItem(`regard-${kind}`) ?? "[]");
    return Array.isArray(texts) ? texts.filter((text) => typeof text === "string") : [];
  } catch {
    return []; // no storage, or not ours
  }
}

function keep(kind: Kind, texts: string[]) {
  try {
    localStorage.setItem(`regard-${kind}`, JSON.stringify(texts));
  } catch {
    // it is then not kept
  }
}

/** Remember that something was searched for. */
export function remember(text: string) {
  if (text) keep("recent", [text, ...kept("recent").filter((other) => other !== text)].slice(0, MOST_RECENT));
}

export function isSaved(text: string): boolean {
  return kept("saved").includes(text);
}

/** Save a search, or no longer. */
export function save(text: string, on: boolean) {
  const others = kept("saved").filter((other) => other !== text);
  keep("saved", on ? [text, ...others] : others);
}

/** What to offer while somebody types: searches of before, and words for what photos show. */
export function offers(text: string, saved: string[], recent: string[], things: Thing[]): { text: string; why: string }[] {
  const typed = text.toLowerCase();
  const before = [...saved.map((one) => ({ text: one, why: "saved" })), ...recent.map((one) => ({ text: one, why: "recent" }))]
    .filter((one) => one.text.toLowerCase().includes(typed));
  const word = /\S*$/.exec(typed)![0];
  const head = text.slice(0, text.length - word.length);
  const fitting = word.length < LEAST ? [] : things
    .filter(({ name }) => name.toLowerCase().split(" ").some((part) => part.startsWith(word)))
    .map(({ name, photos }) => ({ text: head + name.toLowerCase(), why: count(photos, "photo") }));
  const all = [...before, ...fitting];
  return all.filter((one, place) => one.text !== text && all.findIndex((other) => other.text === one.text) === place)
    .slice(0, MOST_OFFERED);
}

/** Searches of before, as buttons. */
export function before(ask: (text: string) => void) {
  const row = (name: string, texts: string[]) => texts.length ? html`<div class="suggested"><span>${name}</span>
    ${texts.map((text) => html`<button type="button" @click=${() => ask(text)}>${text}</button>`)}</div>` : "";
  const saved = kept("saved");
  return html`${row("Saved", saved)}${row("Recent", kept("recent").filter((text) => !saved.includes(text)))}`;
}
