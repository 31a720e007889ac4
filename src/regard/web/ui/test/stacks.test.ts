import { expect, it } from "vitest";
import type { Hit } from "../src/api.ts";
import { stackLines } from "../src/stacks.ts";

const hit = (id: string, alike: string | null = null) => ({ photo: { id }, alike }) as Hit;
it("a list of stacks has a heading for each", () => {
  expect(stackLines([hit("a"), hit("c", "a"), hit("b"), hit("e", "b"), hit("f", "b")])).toEqual([
    { start: 0, title: "2 photos, nearly the same" }, { start: 2, title: "3 photos, nearly the same" }]);
});
