import { describe, expect, it } from "vitest";
import type { Maps, QueryWord } from "../src/api.ts";
import {
  REST_LABEL, WHOLE_LABEL, anyLeft, areScored, chipsOf, countsAt, foundByLabel, isUnseen, knownBy, labelOf, lightOf, reasonsOf, relevanceOf, replaceWord, shareOf, shownOf, shownOfSentence, step,
  unknownIn, unseenIn, weightOf, withWeight, wordsRead,
} from "../src/words.ts";

const word = (text: string, marker = false, known = true): QueryWord => ({
  text, marker, known, names: !marker, nearest: [], sentence: 0, weight: 1 });
const WORDS = [word("start", true), word("a"), word("dog"), word("end", true)];
const MAPS: Maps = {
  words: [[0.1, 0.02], [0.2, 0.05], [0.8, 0.2], [0.3, 0.08]].map(([relevance, share]) => ({
    relevance: relevance!, share: share!, support: null, label: null, by_label: false, read: [] })),
  attention: [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1], [0.1, 0.9]],
  heat: [[1, 0.5], [0.25, 1], [1, 0.1], [0, 1]],
  boxes: [[0, 0, 0.5, 1], [0.5, 0, 1, 1]],
  unsupported: [],
  looks_like: [],
};
const CHIPS = chipsOf(WORDS);

describe("words that are not seen", () => {
  const without = (...unsupported: string[]) => ({ ...MAPS, unsupported });

  it("are those no region supports, never the markers", () => {
    const maps = without("dog", "start", REST_LABEL);
    expect(CHIPS.map((chip) => isUnseen(maps, chip))).toEqual([false, true, false]);
  });

  it("are told of a list where no photo of it shows them", () => {
    expect(unseenIn([without("dog"), without("dog", "a")], CHIPS)).toEqual([false, true, false]);
    expect(unseenIn([without("dog"), without()], CHIPS)).toEqual([false, false, false]);
    expect(unseenIn([], CHIPS)).toEqual([false, false, false]);
  });
});

describe("words found by what a region looks like", () => {
  it("are told with that, others are not", () => {
    const label = { name: "golden retriever", probability: 0.826 };
    const words = MAPS.words.map((part, index) => ({ ...part, label, by_label: index === 2 }));
    const maps = { ...MAPS, words };
    expect(foundByLabel(maps, CHIPS)).toEqual(["dog (golden retriever, 83\u00a0%)"]);
    expect(labelOf(maps, CHIPS[1]!)).toBe(label);
    expect(labelOf(maps, CHIPS[0]!)).toBe(null);
    expect(foundByLabel(MAPS, CHIPS)).toEqual([]);
  });
});

describe("chips", () => {
  it("stand for words that name something in order, and for all the rest together", () => {
    expect(CHIPS.map((chip) => chip.label)).toEqual(["a", "dog", REST_LABEL]);
    expect(CHIPS[2]!.indices).toEqual([0, 3]);
    const article = { ...word("a"), names: false };
    expect(chipsOf([WORDS[0]!, article, WORDS[2]!, WORDS[3]!]).map(({ label, indices }) => [label, indices]))
      .toEqual([["dog", [2]], [REST_LABEL, [0, 1, 3]]]);
    expect(chipsOf([WORDS[0]!, article]).map(({ label }) => label)).toEqual(["a", REST_LABEL]);
  });

  it("tell a whole sentence that is read as one more word", () => {
    const chips = chipsOf([word("sentence", true), ...WORDS]);
    expect(chips.map((chip) => chip.label)).toEqual(["a", "dog", WHOLE_LABEL]);
    expect(chips[2]!.indices).toEqual([0, 1, 4]);
  });

  it("add up to the similarity", () => {
    const total = CHIPS.reduce((sum, chip) => sum + shareOf(MAPS, chip), 0);
    expect(total).toBeCloseTo(0.35, 12);
    expect(relevanceOf(MAPS, CHIPS[2]!)).toBeCloseTo(0.2, 12);
  });

  it("light up by their attention to a region, markers never", () => {
    expect(lightOf(MAPS, CHIPS, 0)).toEqual([0, 1, 0]);
    expect(lightOf(MAPS, CHIPS, 1)).toEqual([1, 0, 0]);
  });

  it("that were read have boxes, and are named", () => {
    const line = { text: "DOGS 12", box: [0.1, 0.2, 0.3, 0.4] };
    const words = MAPS.words.map((part, index) => ({ ...part, read: index === 2 ? [line] : [] }));
    const maps = { ...MAPS, words };
    expect(shownOf(maps, CHIPS, CHIPS[1]!)!.marks).toEqual({ boxes: [line.box], label: "read here" });
    const [read, unread] = [{ read: ["dog", "end"] }, { read: [] }];
    expect(wordsRead(read, CHIPS)).toEqual(["dog"]);
    expect(wordsRead(unread, CHIPS)).toEqual([]);
    const strange = CHIPS.map((chip) => ({ ...chip, known: false }));
    expect(knownBy(strange, [unread, read]).map(({ known }) => known)).toEqual([false, true, false]);
  });

  it("show their heat and how much they matter", () => {
    expect(shownOf(MAPS, CHIPS, CHIPS[1]!)).toEqual({ heat: [1, 0.1], importance: 1 });
    expect(shownOf(MAPS, CHIPS, CHIPS[0]!)!.importance).toBeCloseTo(0.25, 12);
    expect(shownOf(MAPS, CHIPS, CHIPS[2]!)!.heat).toEqual([0.5, 0.75]);
    expect(shownOf(MAPS, CHIPS, CHIPS[2]!)).toBe(shownOf(MAPS, CHIPS, CHIPS[2]!));
    expect(shownOf({ ...MAPS, unsupported: ["dog"] }, CHIPS, CHIPS[1]!)).toBeNull();
  });

  it("is wholly bright where the score is of the whole sentence alone", () => {
    const words = MAPS.words.map((part, index) => ({ ...part, share: index ? 0 : 0.3 }));
    expect([areScored(MAPS, CHIPS), areScored({ ...MAPS, words }, CHIPS)]).toEqual([true, false]);
    expect(shownOf({ ...MAPS, words }, CHIPS, CHIPS[1]!)!.importance).toBe(1);
    expect(reasonsOf({ ...MAPS, words }, CHIPS)).toEqual([]);
  });
});

it("the whole sentence looks where its weighty words look", () => {
  const { heat } = shownOfSentence(MAPS);
  expect(heat[0]).toBeCloseTo(0.02 + 0.05 * 0.25 + 0.2, 12);
  expect(heat[1]).toBeCloseTo(0.02 * 0.5 + 0.05 + 0.2 * 0.1 + 0.08, 12);
});

describe("several sentences", () => {
  const part = (sentence: number, weight: number, text: string) => ({ ...word(text), sentence, weight });

  it("begin with what they count", () => {
    const chips = chipsOf([part(0, 1, "a"), part(0, 1, "dog"), part(1, 2, "grass"), part(2, -1, "leash"),
      word("end", true)]);
    expect(chips.map((_, index) => countsAt(chips, index))).toEqual(["×1", "", "×2", "−1", ""]);
  });

  it("tell of one only where it is weighted", () => {
    const chips = chipsOf([part(0, 2, "dog")]);
    expect(countsAt(chips, 0)).toBe("×2");
    expect(CHIPS.map((_, index) => countsAt(CHIPS, index))).toEqual(["", "", ""]);
  });

  it("are not said to be unseen where they are unwanted", () => {
    const [wanted, unwanted] = chipsOf([part(0, 1, "dog"), part(1, -1, "dog")]);
    const maps = { ...MAPS, unsupported: ["dog"] };
    expect([wanted, unwanted].map((chip) => isUnseen(maps, chip!))).toEqual([true, false]);
  });
});

describe("reasons", () => {
  const four = chipsOf(["red", "bus", "street", "sky"].map((text) => word(text)));
  const adding = (...shares: number[]) => ({ ...MAPS, words: shares.map((share) => ({ ...MAPS.words[0]!, share })) });

  it("are words that add much, neighbours together, what adds most first", () => {
    expect(reasonsOf(adding(0.1, 0.1, 0.15, 0.02), four)).toEqual(["red bus street"]);
    expect(reasonsOf(adding(0.2, 0.01, 0.3, 0.02), four)).toEqual(["street", "red"]);
  });

  it("are none that a photo does not show, nor what is unwanted", () => {
    expect(reasonsOf({ ...adding(0.1, 0.1, 0.15, 0.1), unsupported: ["street"] }, four)).toEqual(["red bus", "sky"]);
    expect(reasonsOf(adding(0.2), chipsOf([{ ...word("bus"), weight: -1 }]))).toEqual([]);
  });
});

describe("unknown words", () => {
  it("are told once each", () => {
    const chips = chipsOf(["catt", "catt"].map((text) => word(text, false, false)));
    expect(unknownIn(chips).map(({ label }) => label)).toEqual(["catt"]);
  });
});

describe("weights", () => {
  it("are set for all places of a chip and forgotten when all are one", () => {
    expect(withWeight(4, null, CHIPS[2]!, 0)).toEqual([0, 1, 1, 0]);
    expect(withWeight(4, [0, 1, 1, 0], CHIPS[2]!, 1)).toBeNull();
    expect(weightOf(CHIPS[1]!, [1, 1, 2, 1])).toBe(2);
    expect(weightOf(CHIPS[1]!, null)).toBe(1);
  });

  it("climb and descend a ladder and stay at its ends", () => {
    expect(step(1, true, 5)).toBe(1.5);
    expect(step(1, false, 5)).toBe(0.5);
    expect(step(1.2, false, 5)).toBe(1);
    expect(step(3, true, 5)).toBe(5);
    expect(step(5, true, 5)).toBe(5);
    expect(step(2, true, 2)).toBe(2);
    expect(step(0, false, 5)).toBe(0);
  });

  it("must leave at least one word", () => {
    expect(anyLeft(null)).toBe(true);
    expect(anyLeft([0, 0.5])).toBe(true);
    expect(anyLeft([0, 0])).toBe(false);
  });
});

describe("a replaced word", () => {
  it.each([
    ["A Frisbeex flies", "frisbeex", "frisbee", "A frisbee flies"],
    ["catalogue of cats", "cats", "dogs", "catalogue of dogs"],
    ["what? (no)", "no", "yes", "what? (yes)"],
  ])("in %j", (sentence, old, by, replaced) => {
    expect(replaceWord(sentence, old, by)).toBe(replaced);
  });
});
