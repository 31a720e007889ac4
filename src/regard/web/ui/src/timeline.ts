// All photos by the months they were taken in: headings, and a scrubber through them.

import { html, nothing } from "lit";
import type { Hit, Month } from "./api.ts";
import { count } from "./format.ts";

/** A month in words, "May 2021". */
export function monthName(month: string | null): string {
  if (!month) return "No date";
  return new Date(`${month}-15T12:00:00`).toLocaleDateString("en-GB", { month: "long", year: "numeric" });
}

/** A heading before the first photo of each month; none where no photo has a date. */
export function monthsOf(hits: Hit[]): { start: number; title: string }[] {
  const months = hits.map(({ photo }) => photo.taken?.slice(0, 7) ?? null);
  if (months.every((month) => month === null)) return [];
  return months.flatMap((month, start) =>
    start && months[start - 1] === month ? [] : [{ start, title: monthName(month) }]);
}

/** The place at which the list of a month begins. */
export function offsetOf(months: Month[], at: string): number {
  return at ? (months.find(({ month }) => month !== null && month <= at)?.offset ?? 0) : 0;
}

/** A slider from the oldest month to the newest; `go` is told the month, empty for the newest. */
export function scrubber(months: Month[], at: string, go: (month: string) => void) {
  const dated = months.filter(({ month }) => month !== null).reverse();
  if (dated.length < 2) return nothing;
  const last = dated.length - 1;
  const here = at ? Math.max(0, dated.findIndex(({ month }) => month! >= at)) : last;
  const say = (place: number) => `${monthName(dated[place]!.month)}, ${count(dated[place]!.photos, "photo")}`;
  const value = (event: Event) => Number((event.target as HTMLInputElement).value);
  return html`<div class="scrubber"><span aria-hidden="true">${dated[0]!.month!.slice(0, 4)}</span>
    <input type="range" min="0" max=${last} step="1" .value=${String(here)} aria-label="Month" aria-valuetext=${say(here)}
      @input=${(event: Event) => {
        const field = event.target as HTMLInputElement;
        field.setAttribute("aria-valuetext", say(value(event)));
        field.parentElement!.querySelector("output")!.textContent = say(value(event));
      }}
      @change=${(event: Event) => go(value(event) === last ? "" : dated[value(event)]!.month!)} />
    <span aria-hidden="true">${dated[last]!.month!.slice(0, 4)}</span><output .textContent=${say(here)}></output></div>`;
}
