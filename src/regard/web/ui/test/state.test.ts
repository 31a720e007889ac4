import { describe, expect, it } from "vitest";
import { BLANK, filterCount, parseWeights, readView, sameList, writeView, type View } from "../src/state.ts";

const FULL: View = {
  q: "a dog & a cat; -1: leash",
  weights: [1, 0, 2.5],
  word: 2,
  sort: "date",
  folder: "2019/été",
  since: "2019-01-02",
  until: "2020-12-31",
  shape: "portrait",
  fav: true,
  at: "2020-11",
  dup: true,
  like: "fedcba9876543210",
  box: "0.1,0.25,0.5,0.4",
  photo: "0123456789abcdef",
  sentence: "a boat",
  direction: "i2t",
  temperature: 4.5,
};

describe("the address", () => {
  it("holds the whole state", () => {
    expect(readView(writeView(FULL))).toEqual(FULL);
  });

  it("is bare for the blank view", () => {
    expect(writeView(BLANK)).toBe("/");
    expect(readView("")).toEqual(BLANK);
  });

  it("says nothing of weights that are all one", () => {
    expect(writeView({ ...BLANK, q: "dog", weights: [1, 1, 1] })).toBe("?q=dog");
  });

  it("leaves what makes no sense at its default", () => {
    const view = readView("?w=1,x&word=-3&sort=size&from=yesterday&shape=round&photo=../etc&dir=up&t=0");
    expect(view).toEqual(BLANK);
  });

  it("takes an upload's id for a photo", () => {
    expect(readView(`?photo=u${"0f".repeat(16)}`).photo).toHaveLength(33);
  });
});

describe("weights", () => {
  it.each([["", null], ["1,,2", null], ["6", [6]], ["-1", null], ["0,1.5", [0, 1.5]]])("of %j", (text, parsed) => {
    expect(parseWeights(text)).toEqual(parsed);
  });
});

describe("the list", () => {
  it("is the same whatever is shown of it", () => {
    expect(sameList(FULL, { ...FULL, photo: "", word: null, sentence: "", temperature: null })).toBe(true);
  });

  it("is another with other words, weights, order or filters", () => {
    const changes: Partial<View>[] = [{ q: "cat" }, { weights: [1, 0, 2] }, { sort: "relevance" }, { shape: "" },
      { fav: false }, { at: "" }, { dup: false }];
    for (const change of changes) expect(sameList(FULL, { ...FULL, ...change })).toBe(false);
  });

  it("counts its filters", () => {
    expect(filterCount(BLANK)).toBe(0);
    expect(filterCount(FULL)).toBe(6);
    expect(filterCount({ ...FULL, sort: "relevance" })).toBe(5);
    expect(filterCount({ ...BLANK, sort: "date" })).toBe(0); // without a sentence they come so anyway
  });
});
