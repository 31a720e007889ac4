import { expect, it } from "vitest";
import type { Hit } from "../src/api.ts";
import { stack, stackLines, turn } from "../src/stacks.ts";

const hit = (id: string, alike: string | null = null) => ({ photo: { id }, alike }) as Hit;
it("a list of stacks has a heading for each", () => {
  expect(stackLines([hit("a"), hit("c", "a"), hit("b"), hit("e", "b"), hit("f", "b")])).toEqual([
    { start: 0, title: "2 photos, nearly the same" }, { start: 2, title: "3 photos, nearly the same" }]);
});

it("exact copies are named", () => {
  const copied = { ...hit("a"), copies: ["b/one.jpg"] };
  expect(stackLines([copied])).toEqual([{ start: 0, title: "1 photo; 1 exact copy: b/one.jpg" }]);
  const [two] = stackLines([{ ...copied, copies: ["b/one.jpg", "c/two.jpg"] }]);
  expect(two!.title).toBe("1 photo; 2 exact copies: b/one.jpg, c/two.jpg");
});

const ids = (hits: Hit[]) => hits.map(({ photo }) => photo.id).join("");
const folded = (under: ReadonlyMap<string, Hit[]>) => [...under].map(([id, hits]) => `${id}:${ids(hits)}`);

it("photos that are nearly another stand under it, page by page", () => {
  const first = stack([], new Map(), [hit("a"), hit("b", "a"), hit("c"), hit("d", "x")]);
  expect([ids(first.tops), folded(first.below)]).toEqual(["acd", ["a:b"]]);
  const second = stack(first.tops, first.below, [hit("b", "a"), hit("e", "a"), hit("f", "c"), hit("g")]);
  expect([ids(second.tops), folded(second.below)]).toEqual(["acdg", ["a:be", "c:f"]]);
  expect(ids(stack([], new Map(), [hit("a"), hit("b", "a")], true).tops)).toBe("ab");
});

it("a stack is opened after its first and closed again", () => {
  const open = turn([hit("a"), hit("c")], "a", [hit("b", "a"), hit("e", "a")]);
  expect(ids(open)).toBe("abec");
  expect(ids(turn(open, "a", [hit("b", "a"), hit("e", "a")]))).toBe("ac");
});
