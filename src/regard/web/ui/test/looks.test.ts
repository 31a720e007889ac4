import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Hit } from "../src/api.ts";
import { Looks } from "../src/looks.ts";
import { BLANK } from "../src/state.ts";

const hits = (...ids: string[]) => ids.map((id) => ({ photo: { id }, maps: null }) as unknown as Hit);
const asked: string[][] = [];
let answer: (ids: string[]) => Promise<Response>;

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  answer = async (ids) => new Response(JSON.stringify({ photos: ids.map((id) => ({ id, maps: { of: id } })) }));
  vi.stubGlobal("fetch", (url: string) => {
    const ids = new URL(url, "http://here").searchParams.get("ids")!.split(",");
    asked.push(ids);
    return answer(ids);
  });
});

afterEach(() => vi.unstubAllGlobals());

it("are asked for together, each once, and stay for the next list of the same query", async () => {
  const came = vi.fn();
  const looks = new Looks(came);
  const dog = { ...BLANK, q: "a dog" };
  looks.fill(dog, []);
  looks.want(["a", "b"]);
  looks.want(["b", "c"]);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([["a", "b", "c"]]);
  expect(came).toHaveBeenCalledTimes(1);
  expect(looks.fill({ ...dog, weights: [1, 0] }, hits("c", "d")).map(({ maps }) => maps)).toEqual([{ of: "c" }, null]);
  looks.want(["c", "d"]);
  await vi.runAllTimersAsync();
  expect(asked[1]).toEqual(["d"]);
  expect(looks.fill({ ...BLANK, q: "a cat" }, hits("c"))[0]!.maps).toBeNull();
  looks.want(["c"]);
  await vi.runAllTimersAsync();
  expect(asked[2]).toEqual(["c"]);
});

it("come some at a time, and are wanted again where they did not come", async () => {
  const looks = new Looks(() => {});
  const many = Array.from({ length: 20 }, (_, number) => `p${number}`);
  const right = answer;
  answer = async (ids) => (ids.includes("p0") ? new Response("", { status: 503 }) : right(ids));
  looks.want(many);
  await vi.runAllTimersAsync();
  expect(asked.flat()).toEqual(many);
  expect(asked).toHaveLength(2);
  answer = right;
  looks.want(many);
  await vi.runAllTimersAsync();
  expect(asked[2]).toEqual(asked[0]);
  expect(looks.fill(BLANK, hits(...many)).every(({ maps }) => maps)).toBe(true);
});
