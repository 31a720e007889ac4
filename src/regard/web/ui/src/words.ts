// The words of a query as the page shows them: chips with weights, and what they add up to.

import type { Hit, Label, Maps, QueryWord } from "./api.ts";
import { percent } from "./format.ts";

export interface Chip {
  label: string;
  /** Places in the sentence; a word that names something has one, the rest share a chip. */
  indices: number[];
  /** Whether it is the rest: what stands for no single word, and words that name nothing. */
  marker: boolean;
  known: boolean;
  nearest: string[];
  /** Which of the query's sentences it is of, and what that one counts; less than 0 is unwanted. */
  sentence: number;
  counts: number;
}

export const REST_LABEL = "rest of the sentence";
/** Of the rest where a model reads the whole sentence as one more word, before all others. */
export const WHOLE_LABEL = "whole sentence";
const STEPS = [0, 0.25, 0.5, 1, 1.5, 2, 3];

/** One chip a word that names something, in order, and one last for the rest; all words where none does. */
export function chipsOf(words: QueryWord[]): Chip[] {
  const chips: Chip[] = [];
  const rest: number[] = [];
  const none = !words.some(({ names }) => names);
  words.forEach((word, index) => {
    if (word.marker || !(word.names || none)) rest.push(index);
    else
      chips.push({ label: word.text, indices: [index], marker: false, known: word.known || !word.names,
        nearest: word.nearest, sentence: word.sentence, counts: word.weight });
  });
  const label = words[rest[0]!]?.text === "sentence" ? WHOLE_LABEL : REST_LABEL;
  if (rest.length)
    chips.push({ label, indices: rest, marker: true, known: true, nearest: [], sentence: -1, counts: 1 });
  return chips;
}

/** What a sentence counts, before its first word; empty where a query is one plain sentence. */
export function countsAt(chips: Chip[], index: number): string {
  const chip = chips[index]!;
  const plain = chips.every(({ marker, sentence, counts }) => marker || (sentence === 0 && counts === 1));
  if (plain || chip.marker || chips[index - 1]?.sentence === chip.sentence) return "";
  return chip.counts < 0 ? `−${-chip.counts}` : `×${chip.counts}`;
}

/** Words the model never read, each once. */
export function unknownIn(chips: Chip[]): Chip[] {
  return chips.filter(({ known, label }, index) =>
    !known && chips.findIndex((other) => !other.known && other.label === label) === index);
}

/** A chip's weight; 1 where none is set. */
export function weightOf(chip: Chip, weights: number[] | null): number {
  return weights?.[chip.indices[0]!] ?? 1;
}

/** All weights after one chip's is set; null when every one is 1 again. */
export function withWeight(
  count: number, weights: number[] | null, chip: Chip, weight: number,
): number[] | null {
  const next = Array.from({ length: count }, (_, index) => weights?.[index] ?? 1);
  for (const index of chip.indices) next[index] = weight;
  return next.every((value) => value === 1) ? null : next;
}

/** The next weight up or down the ladder of steps, which ends at the most there may be. */
export function step(weight: number, up: boolean, most: number): number {
  const steps = [...STEPS.filter((value) => value < most), most];
  const others = steps.filter((value) => (up ? value > weight : value < weight));
  return (up ? others[0] : others[others.length - 1]) ?? weight;
}

/** Whether at least one word still counts. */
export function anyLeft(weights: number[] | null): boolean {
  return weights === null || weights.some((weight) => weight > 0);
}

/** Rows of a chip's places, averaged. */
function meanOf(rows: number[][], chip: Chip): number[] {
  const chosen = chip.indices.map((index) => rows[index] ?? []);
  return (chosen[0] ?? []).map(
    (_, region) => chosen.reduce((sum, row) => sum + row[region]!, 0) / chosen.length,
  );
}

/** What is shown of a chip in a photo: heat of every region, and how much the word matters. */
export interface Shown {
  heat: number[];
  /** 1 for the word that adds most to the photo's similarity, 0 for one that adds nothing; 1 where none adds. */
  importance: number;
  /** Boxes that are shown in place of heat: of text in which the word was read, say. */
  marks?: { boxes: number[][]; label: string };
}

/** Boxes of what another photo has not. */
export function differing(boxes: number[][]): Shown {
  return { heat: [], importance: 1, marks: { boxes, label: "" } };
}

/** Lines of text in which a chip's word was read. */
export function readsOf(maps: Maps, chip: Chip) {
  return chip.marker ? [] : chip.indices.flatMap((index) => maps.words[index]?.read ?? []);
}

/** Words that no model has read and a photo has written on it are none to be asked about. */
export function knownBy(chips: Chip[], hits: Pick<Hit, "read">[]): Chip[] {
  return chips.map((chip) => ({ ...chip, known: chip.known || hits.some((hit) => wordsRead(hit, [chip]).length > 0) }));
}

/** Words that were read in a photo. */
export function wordsRead({ read }: Pick<Hit, "read">, chips: Chip[]): string[] {
  return chips.filter(({ marker, label }) => !marker && read.includes(label)).map(({ label }) => label);
}

/** Whether words add to the score, rather than only show where they look. */
export function areScored(maps: Maps, chips: Chip[]): boolean {
  return chips.some((chip) => !chip.marker && shareOf(maps, chip) !== 0);
}

const made = new WeakMap<Maps, WeakMap<Chip, Shown>>(); // each once, so that who has one already sees that it is the same

/** Nothing is shown of a word that names something the photo does not show. */
export function shownOf(maps: Maps, chips: Chip[], chip: Chip): Shown | null {
  if (isUnseen(maps, chip)) return null;
  const here = made.get(maps) ?? new WeakMap<Chip, Shown>();
  const shown = here.get(chip) ?? makeShown(maps, chips, chip);
  made.set(maps, here.set(chip, shown));
  return shown;
}

function makeShown(maps: Maps, chips: Chip[], chip: Chip): Shown {
  const most = Math.max(1e-9, ...chips.filter(({ marker }) => !marker).map((one) => shareOf(maps, one)));
  const importance = areScored(maps, chips) ? Math.min(1, Math.max(0, shareOf(maps, chip) / most)) : 1;
  const boxes = readsOf(maps, chip).map(({ box }) => box);
  return { heat: meanOf(maps.heat, chip), importance, ...(boxes.length ? { marks: { boxes, label: "read here" } } : {}) };
}

/** Whether a photo shows nothing of what a chip's word names. */
export function isUnseen({ unsupported }: Pick<Maps, "unsupported">, chip: Chip): boolean {
  return !chip.marker && chip.counts > 0 && unsupported.includes(chip.label);
}

/** Which chips no photo of a list shows; none of them in an empty list. */
export function unseenIn(hits: Pick<Maps, "unsupported">[], chips: Chip[]): boolean[] {
  return chips.map((chip) => hits.length > 0 && hits.every((hit) => isUnseen(hit, chip)));
}

/** Words found by what a region looks like, each with that: "coffee (espresso, 83 %)". */
export function foundByLabel(maps: Maps, chips: Chip[]): string[] {
  const labelled = chips.map((chip) => [chip.label, labelOf(maps, chip)] as const);
  return labelled.flatMap(([word, found]) => found ? [`${word} (${found.name}, ${percent(found.probability)})`] : []);
}

/** What the region looks like by which a chip's word was found; null where it was found otherwise. */
export function labelOf(maps: Maps, chip: Chip): Label | null {
  const part = maps.words[chip.indices[0]!];
  return part?.by_label ? part.label : null;
}

const REASON = 0.3; // of the most that a word adds: what adds less is no reason

/** Why a photo was found: words that add much, neighbours together, what adds most first. */
export function reasonsOf(maps: Maps, chips: Chip[]): string[] {
  const wanted = chips.filter((chip) => !chip.marker && chip.counts > 0 && !isUnseen(maps, chip));
  const most = Math.max(0, ...wanted.map((chip) => shareOf(maps, chip)));
  const phrases: { text: string; share: number; last: number }[] = [];
  for (const chip of wanted) {
    const share = shareOf(maps, chip);
    const [place, before] = [chip.indices[0]!, phrases[phrases.length - 1]];
    if (share <= 0 || share < REASON * most) continue;
    if (before?.last === place - 1)
      phrases[phrases.length - 1] = { text: `${before.text} ${chip.label}`, share: before.share + share, last: place };
    else phrases.push({ text: chip.label, share, last: place });
  }
  return phrases.sort((a, b) => b.share - a.share).map(({ text }) => text);
}

/** What a chip adds to the photo's similarity. */
export function shareOf(maps: Maps, chip: Chip): number {
  return chip.indices.reduce((sum, index) => sum + (maps.words[index]?.share ?? 0), 0);
}

/** A chip's relevance in a photo, averaged over its places. */
export function relevanceOf(maps: Maps, chip: Chip): number {
  const total = chip.indices.reduce((sum, index) => sum + (maps.words[index]?.relevance ?? 0), 0);
  return total / chip.indices.length;
}

/** How strongly each chip looks at one region: 1 where it looks most of all, 0 where least. */
export function lightOf(maps: Maps, chips: Chip[], region: number): number[] {
  return chips.map((chip) => {
    const attention = meanOf(maps.attention, chip);
    const least = Math.min(...attention);
    const range = Math.max(...attention) - least;
    return range > 0 && !chip.marker ? ((attention[region] ?? least) - least) / range : 0;
  });
}

/** Where the whole sentence looked: the words' heat weighted by what each adds. */
export function shownOfSentence(maps: Maps): Shown {
  const heat = new Array<number>(maps.boxes.length).fill(0);
  maps.heat.forEach((row, index) => {
    const share = Math.max(0, maps.words[index]!.share);
    for (let region = 0; region < heat.length; region++) heat[region]! += share * row[region]!;
  });
  return { heat, importance: 1 };
}

/** A sentence with one word replaced, whatever its case. */
export function replaceWord(sentence: string, word: string, by: string): string {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return sentence.replace(new RegExp(`(^|[^\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "iu"),
    (_, before: string) => before + by);
}
