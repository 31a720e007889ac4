// The page's whole state, to and from its address. Knows no network and no DOM.

export type Sort = "relevance" | "date";
export type Direction = "t2i" | "i2t";

export interface View {
  /** The sentence searched for; empty shows the newest photos. */
  q: string;
  /** One weight a word, the sentence's two markers included; null is 1 for all. */
  weights: number[] | null;
  /** The word whose maps stay shown, as a place in the sentence; null for none. */
  word: number | null;
  sort: Sort;
  folder: string;
  /** Dates as YYYY-MM-DD, empty for open. */
  since: string;
  until: string;
  shape: string;
  /** Only favourites. */
  fav: boolean;
  /** The month at which the list of all photos begins, "2021-05"; empty for the newest. */
  at: string;
  /** Photos that are nearly the same, stack by stack. */
  dup: boolean;
  /** A photo or upload to look like, and the part of it that counts as "x,y,width,height"; or empty. */
  like: string;
  box: string;
  /** Photo or upload shown large; empty for none. */
  photo: string;
  /** Sentence for the large photo when it is not the one searched for. */
  sentence: string;
  direction: Direction | "";
  /** λ1 for the large photo; null is the model's own. */
  temperature: number | null;
}

export const BLANK: Readonly<View> = {
  q: "",
  weights: null,
  word: null,
  sort: "relevance",
  folder: "",
  since: "",
  until: "",
  shape: "",
  fav: false,
  at: "",
  dup: false,
  like: "",
  box: "",
  photo: "",
  sentence: "",
  direction: "",
  temperature: null,
};

const DATE = /^\d{4}-\d\d-\d\d$/;
const MONTH = /^\d{4}-\d\d$/;
const PHOTO = /^([0-9a-f]{16}|u[0-9a-f]{32})$/;
const BOX = /^(0|1|0?\.\d+)(,(0|1|0?\.\d+)){3}$/;
const SHAPES = ["", "landscape", "portrait", "square"];

function pick(value: string | null, allowed: (value: string) => boolean): string {
  return value !== null && allowed(value) ? value : "";
}

function number(value: string | null, low: number, high: number): number | null {
  const parsed = value === null || value.trim() === "" ? NaN : Number(value);
  return parsed >= low && parsed <= high ? parsed : null;
}

/** Weights of a comma list; null when one is no number or below 0. The server says which is too large. */
export function parseWeights(text: string | null): number[] | null {
  if (!text) return null;
  const parsed = text.split(",").map((part) => number(part, 0, Number.MAX_VALUE));
  return parsed.every((weight) => weight !== null) ? (parsed as number[]) : null;
}

/** The view an address asks for; what makes no sense in it is left at its default. */
export function readView(search: string): View {
  const params = new URLSearchParams(search);
  const word = number(params.get("word"), 0, 199);
  return {
    q: (params.get("q") ?? "").trim(),
    weights: parseWeights(params.get("w")),
    word: word === null ? null : Math.floor(word),
    sort: params.get("sort") === "date" ? "date" : "relevance",
    folder: params.get("folder") ?? "",
    since: pick(params.get("from"), (value) => DATE.test(value)),
    until: pick(params.get("to"), (value) => DATE.test(value)),
    shape: pick(params.get("shape"), (value) => SHAPES.includes(value)),
    fav: params.get("fav") === "1",
    at: pick(params.get("at"), (value) => MONTH.test(value)),
    dup: params.get("dup") === "1",
    like: pick(params.get("like"), (value) => PHOTO.test(value)),
    box: pick(params.get("box"), (value) => BOX.test(value)),
    photo: pick(params.get("photo"), (value) => PHOTO.test(value)),
    sentence: (params.get("s") ?? "").trim(),
    direction: pick(params.get("dir"), (value) => value === "t2i" || value === "i2t") as Direction | "",
    temperature: number(params.get("t"), 0.1, 100),
  };
}

/** The address of a view: only what differs from the default, always in the same order. */
export function writeView(view: View): string {
  const params = new URLSearchParams();
  const put = (key: string, value: string | null) => {
    if (value) params.set(key, value);
  };
  put("q", view.q);
  put("w", view.weights?.every((weight) => weight === 1) ? null : (view.weights?.join(",") ?? null));
  put("word", view.word === null ? null : String(view.word));
  put("sort", view.sort === "date" ? "date" : null);
  put("folder", view.folder);
  put("from", view.since);
  put("to", view.until);
  put("shape", view.shape);
  put("fav", view.fav ? "1" : null);
  put("at", view.at);
  put("dup", view.dup ? "1" : null);
  put("like", view.like);
  put("box", view.like && view.box);
  put("photo", view.photo);
  put("s", view.sentence);
  put("dir", view.direction);
  put("t", view.temperature === null ? null : String(view.temperature));
  const text = params.toString();
  return text ? `?${text}` : "/";
}

/** Whether two views list the same photos in the same order. */
export function sameList(a: View, b: View): boolean {
  const key = (view: View) =>
    writeView({ ...BLANK, q: view.q, weights: view.weights, sort: view.sort, folder: view.folder,
      since: view.since, until: view.until, shape: view.shape, fav: view.fav, at: view.at, dup: view.dup, like: view.like, box: view.box });
  return key(a) === key(b);
}

/** Whether something is searched for, rather than all photos listed. */
export function isSearch(view: View): boolean {
  return !!view.q || !!view.like;
}

/** Every photo, the best match first. */
export const UNFILTERED: Readonly<Partial<View>> = { folder: "", since: "", until: "", shape: "", fav: false, sort: "relevance" };

/** Whether the matches of a sentence come newest first, which lists the best alone. */
export function isByDate(view: View): boolean {
  return !!view.q && view.sort === "date";
}

/** How many filters are set, an order other than the usual one among them. */
export function filterCount(view: View): number {
  return [view.folder, view.since, view.until, view.shape, view.fav, isByDate(view)].filter(Boolean).length;
}
