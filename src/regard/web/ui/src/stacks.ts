// Photos that are nearly the same, stack by stack.

import type { Hit } from "./api.ts";
import { count } from "./format.ts";

/** A heading before each stack of a list of stacks. */
export function stackLines(hits: Hit[]): { start: number; title: string }[] {
  const starts = hits.flatMap(({ alike }, start) => (alike ? [] : [start]));
  return starts.map((start, place) => ({ start,
    title: `${count((starts[place + 1] ?? hits.length) - start, "photo")}, nearly the same` }));
}
