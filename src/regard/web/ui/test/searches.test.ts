import { expect, it } from "vitest";
import { offers } from "../src/searches.ts";

const THINGS = [{ name: "Egyptian cat", photos: 12 }, { name: "catamaran", photos: 1 }, { name: "dog", photos: 5 }];

it("offers searches of before that have what was typed, saved ones first", () => {
  const told = offers("CAT", ["a cat sleeps"], ["two cats", "a dog"], []);
  expect(told).toEqual([{ text: "a cat sleeps", why: "saved" }, { text: "two cats", why: "recent" }]);
});

it("completes the last word by what photos show", () => {
  expect(offers("a grey ca", [], [], THINGS)).toEqual([
    { text: "a grey egyptian cat", why: "12 photos" }, { text: "a grey catamaran", why: "1 photo" }]);
  expect(offers("a grey c", [], [], THINGS)).toEqual([]); // one letter tells too little
  expect(offers("a dog", [], [], THINGS)).toEqual([]); // nothing to add
});

it("offers nothing twice", () => {
  expect(offers("dog", ["a dog"], ["a dog"], THINGS).map(({ text }) => text)).toEqual(["a dog"]);
});
