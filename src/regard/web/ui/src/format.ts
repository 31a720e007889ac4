// Numbers, dates and scores in words.

import type { Rated } from "./api.ts";

/** A similarity with two decimals and a true minus sign. */
export function score(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const PER_CENT = "\u00a0%"; // not to be parted at the end of a line

/** A calibrated probability as whole per cent, honest at the ends. */
export function percent(probability: number): string {
  if (probability > 0 && probability < 0.01) return `<1${PER_CENT}`;
  if (probability < 1 && probability > 0.99) return `>99${PER_CENT}`;
  return `${Math.round(probability * 100)}${PER_CENT}`;
}

export const STRONG = 0.5; // from here on a search has found something
export const POSSIBLE = 0.25; // and below this photos are less likely; docs/honesty.md has what both are worth

/** How good a match is in a word; empty where it is not known. */
export function strengthOf({ match_probability: likely }: Pick<Rated, "match_probability">): string {
  if (likely === null) return "";
  return likely >= STRONG ? "strong" : likely >= POSSIBLE ? "possible" : "weak";
}

export function count(value: number, noun: string, nouns = `${noun}s`): string {
  return `${value.toLocaleString("en-GB")} ${value === 1 ? noun : nouns}`;
}

/** A date taken, "12 May 2021"; empty where unknown. */
export function day(taken: string | null): string {
  const date = taken ? new Date(taken) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}

export function duration(seconds: number): string {
  return seconds < 1 ? `${Math.max(1, Math.round(seconds * 1000))} ms` : `${seconds.toFixed(1)} s`;
}

/** A moment taken, "12 May 2021, 18:30"; empty where unknown. */
export function moment(taken: string | null): string {
  const date = taken ? new Date(taken) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  return `${day(taken)}, ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

/** The size of a file, "3.2 MB". */
export function bytes(size: number): string {
  return size < 1e6 ? `${Math.max(1, Math.round(size / 1e3))} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
