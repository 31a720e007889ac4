// The page's few icons, drawn in the current text colour.

import { svg } from "lit";

const line = (path: string) => svg`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"
  fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"
  stroke-linejoin="round"><path d=${path}></path></svg>`;

export const search = line("M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.9-4.9");
export const close = line("M6 6l12 12M18 6L6 18");
export const left = line("M15 5l-7 7 7 7");
export const right = line("M9 5l7 7-7 7");
export const upload = line("M12 16V4M7 9l5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3");
export const filter = line("M4 6h16M7 12h10M10 18h4");
export const moon = line("M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z");
export const sun = line(
  "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
);
export const unseen = line(
  "M4 4l16 16M9.9 5.2a10 10 0 0 1 2.1-.2c5 0 8.3 4 9.5 7a13 13 0 0 1-2.6 3.9M6.3 7.6A13 13 0 0 0 2.5 12c1.2 3 4.5 7 9.5 7a9.6 9.6 0 0 0 4-.9M10 10.2a2.8 2.8 0 0 0 3.9 3.9",
);
export const download = line("M12 4v12M7 11l5 5 5-5M4 20h16");
export const help = line(
  "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.6 9.4a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2 1-1.2 1.9M12 16.8v.1",
);
export const part = line("M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M9 9h6v6H9z");
export const play = line("M7 5l12 7-12 7z");
export const pause = line("M8 5v14M16 5v14");
export const full = line("M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5");
export const heart = line("M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.4 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z");
export const check = line("M5 12.5l4.5 4.5L19 7");
