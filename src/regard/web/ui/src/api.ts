// The HTTP API as the page uses it; docs/api.md describes every field.

import { BASE, ApiError, ask, query, toError } from "./request.ts";
import { isSearch, type Direction, type View } from "./state.ts";

export { ApiError, asError } from "./request.ts";

export interface Photo {
  id: string;
  name: string;
  folder: string;
  width: number;
  height: number;
  taken: string | null;
  favourite: boolean;
}

export interface QueryWord {
  text: string;
  /** The whole sentence, or <start> or <end>: no single word. */
  marker: boolean;
  known: boolean;
  /** Whether it names something that could be seen. */
  names: boolean;
  nearest: string[];
  /** Which of the query's sentences it is of, and what that one counts; less than 0 is unwanted. */
  sentence: number;
  weight: number;
}

/** What a region looks like to a classifier. */
export interface Label {
  name: string;
  probability: number;
}

export interface WordPart {
  relevance: number;
  share: number;
  /** Probability that the photo shows what the word names; null where nothing can be said. */
  support: number | null;
  /** What the region that fits the word best looks like, and whether that is how it was found. */
  label: Label | null;
  by_label: boolean;
  /** Where the word was read in the photo: x1, y1, x2, y2 as parts of its width and height. */
  read: { text: string; box: number[] }[];
}

export interface Maps {
  words: WordPart[];
  /** One row a word, one weight a region; each row sums to 1. */
  attention: number[][];
  /** How much each region adds to a word's heat; the most of a row is 1. */
  heat: number[][];
  /** x1, y1, x2, y2 of every region as parts of the photo's width and height. */
  boxes: number[][];
  /** Words that no region supports. */
  unsupported: string[];
  /** What each region looks like most; empty where no labels are. */
  looks_like: Label[];
}

/** How well a photo or a sentence fits. */
export interface Rated {
  similarity: number;
  /** That the pair is a true one, as one in two is. */
  probability: number | null;
  /** That something fits, were this the best of all that were looked at. */
  match_probability: number | null;
}

export interface Hit extends Rated {
  photo: Photo;
  /** Null until they are asked for. */
  maps: Maps | null;
  /** Words that it does not show, and words that were read in it. */
  unsupported: string[];
  read: string[];
  /** A photo before it that it nearly is. */
  alike: string | null;
  /** Among duplicates: what is different in it beside that one, and files with the same bytes. */
  differs: { text: string; boxes: number[][] } | null;
  copies: string[];
  /** Whether all words asked for were read in it. */
  is_read: boolean;
}

export interface Verdict {
  good: boolean;
  text: string;
  probability: number | null;
}

/** A time that a query named, which became a filter. */
export interface Time {
  said: string;
  /** The query without it. */
  rest: string;
  since: string | null;
  until: string | null;
}

/** The colour of whole photos that a query named, which became a filter. */
export interface Tone {
  name: string;
  said: string;
  rest: string;
}

export interface SearchAnswer {
  time: Time | null;
  tone: Tone | null;
  query: string;
  /** As it was searched for: with misspelt words put right. */
  read_as: string;
  /** The language it seems to be in, where the model does not read that; or empty. */
  language: string;
  /** Photos in the index when this was asked. */
  indexed: number;
  words: QueryWord[];
  verdict: Verdict | null;
  total: number;
  offset: number;
  seconds: number;
  hits: Hit[];
}

export interface Explained {
  photo: Photo;
  sentence: string;
  similarity: number;
  probability: number | null;
  direction: Direction;
  temperature: number;
  is_default: boolean;
  words: QueryWord[];
  maps: Maps;
}

export interface Caption extends Rated {
  sentence: string;
  words: QueryWord[];
  maps: Maps;
}

export interface Captions {
  captions: Caption[];
  total: number;
  verdict: Verdict | null;
}

/** What became of an upload one asked to keep. */
export interface Kept {
  id: string;
  name: string;
  is_new: boolean;
  is_indexed: boolean;
}

export interface Upload {
  photo: Photo;
  expires_in: number;
  kept: Kept | null;
  explanation: Explained | null;
}

export interface Stats {
  photos: number;
  folders: { name: string; photos: number }[];
  first_taken: string | null;
  last_taken: string | null;
  direction: Direction;
  temperature: number;
  most_weight: number;
  upload_bytes: number;
  upload_pixels: number;
  keeps_uploads: boolean;
  /** Whether this browser runs on the server's machine. */
  is_local: boolean;
  index_command: string;
}

/** How a photo was taken, and on this machine where its file is. */
export interface Details {
  camera: string;
  lens: string;
  exposure: string;
  bytes: number;
  path: string | null;
}

function filters(view: View) {
  return { folder: view.folder, since: view.since, until: view.until, shape: view.shape, favourites: view.fav || null };
}

export function search(view: View, offset: number, limit: number, signal: AbortSignal) {
  if (view.dup) return ask<SearchAnswer>(`/duplicates${query({ offset, limit })}`, { signal });
  if (!isSearch(view)) {
    const path = `/photos${query({ offset, limit, ...filters(view) })}`;
    return ask<SearchAnswer>(path, { signal });
  }
  const values = { q: view.q, like: view.like, box: view.like && view.box, offset, limit,
    sort: view.sort, ...filters(view), weights: view.weights?.join(",") };
  return ask<SearchAnswer>(`/search${query(values)}`, { signal });
}

/** Where the words of a search looked in some of its photos. */
export function explanations({ q, like, box }: View, ids: string[], signal: AbortSignal) {
  const values = { q, like, box: like && box, ids: ids.join(",") };
  return ask<{ photos: { id: string; maps: Maps }[] }>(`/search/maps${query(values)}`, { signal });
}

/** Photos of one month, which are `offset` places from the newest; undated ones have none. */
export interface Month {
  month: string | null;
  photos: number;
  offset: number;
}

export async function months(view: View) {
  return (await ask<{ months: Month[] }>(`/months${query(filters(view))}`)).months;
}

/** What some photos of the index show. */
export interface Thing {
  name: string;
  photos: number;
}

export async function things() {
  return (await ask<{ things: Thing[] }>("/things")).things;
}

/** How far the folder is that was added last. */
export interface Indexing {
  running: boolean;
  folder: string;
  done: number;
  total: number;
  added: number;
  skipped: number;
  error: string;
}

export function indexing() {
  return ask<Indexing>("/indexing");
}

export function addFolder(folder: string) {
  return ask<Indexing>("/folders", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ folder }) });
}

/** Mark a photo as a favourite, or no longer. */
export async function mark(id: string, on: boolean) {
  const response = await fetch(`${BASE}/favourites/${id}`, { method: on ? "PUT" : "DELETE" });
  if (!response.ok) throw await toError(response);
}

export const FAVOURITES_URL = `${BASE}/favourites.txt`;

export function stats() {
  return ask<Stats>("/stats");
}

/** A sentence one could search for, and a photo it fits. */
export interface Suggestion {
  sentence: string;
  photo: Photo;
}

export function suggestions() {
  return ask<{ suggestions: Suggestion[] }>("/suggestions");
}

export interface ExplainChoice {
  sentence: string;
  direction: Direction | "";
  temperature: number | null;
}

function choice(chosen: ExplainChoice) {
  return query({ q: chosen.sentence, direction: chosen.direction, temperature: chosen.temperature });
}

export function explain(id: string, chosen: ExplainChoice, signal: AbortSignal) {
  return ask<Explained>(`/photos/${id}/explain${choice(chosen)}`, { signal });
}

export function photo(id: string, signal: AbortSignal) {
  return ask<Photo>(`/photos/${id}`, { signal });
}

export function details(id: string, signal: AbortSignal) {
  return ask<Details>(`/photos/${id}/details`, { signal });
}

/** Where the files of photos are; answered on the server's machine only. */
export async function paths(ids: string[]) {
  const answer = await ask<{ paths: string[] }>("/files/paths", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids }) });
  return answer.paths;
}

/** Show a photo in the file manager; on the server's machine only. */
export async function showFile(id: string) {
  const response = await fetch(`${BASE}/photos/${id}/show`, { method: "POST" });
  if (!response.ok) throw await toError(response);
}

export function fileUrl(id: string, download = false): string {
  return `${BASE}/photos/${id}/file${download ? "?download=true" : ""}`;
}

export function zipUrl(ids: string[]): string {
  return `${BASE}/files.zip?ids=${ids.join(",")}`;
}

export function similar(id: string, signal: AbortSignal) {
  return ask<{ hits: Hit[] }>(`/photos/${id}/similar${query({ limit: 12 })}`, { signal });
}

export function captions(id: string, signal: AbortSignal) {
  return ask<Captions>(`/photos/${id}/captions${query({ limit: 6 })}`, { signal });
}

export function captionsAmong(id: string, sentences: string[], signal: AbortSignal) {
  return ask<Captions>(`/photos/${id}/captions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sentences, limit: 6 }),
    signal,
  });
}

export function upload(file: File, keep: boolean, signal: AbortSignal) {
  return ask<Upload>(`/uploads${query({ keep: keep || null })}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
    signal,
  });
}

/** Why a picture cannot be had; null where it can. */
export async function whyNot(url: string): Promise<ApiError | null> {
  try {
    const response = await fetch(url);
    return response.ok ? null : await toError(response);
  } catch {
    return new ApiError(0, "The server cannot be reached.", "");
  }
}

export function thumbnailUrl(id: string, size: 240 | 320 | 640 | 1600 | 6000): string {
  return `${BASE}/photos/${id}/thumbnail?size=${size}`;
}

export function figureUrl(id: string, chosen: ExplainChoice, format: "png" | "svg"): string {
  return `${BASE}/photos/${id}/figure.${format}${choice(chosen)}`;
}

export function explainUrl(id: string, chosen: ExplainChoice): string {
  return `${BASE}/photos/${id}/explain${choice(chosen)}`;
}
