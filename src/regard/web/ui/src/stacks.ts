// Photos that are nearly the same, stack by stack.

import type { Hit } from "./api.ts";
import { count } from "./format.ts";

/** A heading before each stack of a list of stacks. */
export function stackLines(hits: Hit[]): { start: number; title: string }[] {
  const starts = hits.flatMap(({ alike }, start) => (alike ? [] : [start]));
  return starts.map((start, place) => {
    const [photos, copies] = [(starts[place + 1] ?? hits.length) - start, hits[start]!.copies ?? []];
    const same = copies.length ? `${count(copies.length, "exact copy", "exact copies")}: ${copies.join(", ")}` : "";
    return { start, title: [photos > 1 ? `${count(photos, "photo")}, nearly the same` : "1 photo", same].filter(Boolean).join("; ") };
  });
}

/** Photos found so far with those that came: each stands for itself, or, unless all are to, under one it nearly is. */
export function stack(hits: Hit[], under: ReadonlyMap<string, Hit[]>, fresh: Hit[], all = false) {
  const tops = [...hits];
  const below = new Map(under);
  const shown = new Set(tops.map(({ photo }) => photo.id));
  const known = new Set([...shown, ...[...under.values()].flat().map(({ photo }) => photo.id)]);
  for (const hit of fresh) {
    if (known.has(hit.photo.id)) continue;
    known.add(hit.photo.id);
    if (!all && hit.alike && shown.has(hit.alike)) below.set(hit.alike, [...(below.get(hit.alike) ?? []), hit]);
    else {
      tops.push(hit);
      shown.add(hit.photo.id);
    }
  }
  return { tops, below };
}

/** A list with the photos under one of it shown after it, or no longer. */
export function turn(hits: Hit[], id: string, under: Hit[]): Hit[] {
  const ids = new Set(under.map(({ photo }) => photo.id));
  const rest = hits.filter(({ photo }) => !ids.has(photo.id));
  if (rest.length < hits.length) return rest;
  return rest.flatMap((hit) => (hit.photo.id === id ? [hit, ...under] : [hit]));
}
