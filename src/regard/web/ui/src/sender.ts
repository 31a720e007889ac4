// A photo of the reader's: sent to be looked at, which the server forgets, or to be kept.

import * as api from "./api.ts";

export class Sender {
  /** Name of the photo under way; empty for none. */
  sending = "";
  /** What went wrong with it. */
  notice = "";
  private kept: { id: string; text: string } | null = null; // what became of it, told beside a photo
  private sent: { id: string; file: File } | null = null; // the one that was sent last

  /** `open` is told which photo to show, and whether in place of the one shown; `came` that the index has one more. */
  constructor(
    private redraw: () => void,
    private open: (id: string, replace: boolean) => void,
    private came: () => void,
  ) {}

  async send(file: File, stats: api.Stats | null, keep = false) {
    if (stats && file.size > stats.upload_bytes) {
      this.notice = `${file.name} is too large; at most ${Math.floor(stats.upload_bytes / 1e6)} MB can be sent.`;
      return this.redraw();
    }
    this.sending = file.name;
    this.notice = "";
    this.redraw();
    try {
      const { photo, kept } = await api.upload(file, keep, AbortSignal.timeout(60_000));
      this.sent = { id: photo.id, file };
      this.kept = kept && { id: kept.is_indexed ? kept.id : photo.id, text: tellKept(kept) };
      if (!kept) this.open(photo.id, false);
      else if (kept.is_indexed) this.open(kept.id, true);
      if (kept?.is_indexed && kept.is_new) this.came();
    } catch (error) {
      this.notice = (error as Error).message;
    }
    this.sending = "";
    this.redraw();
  }

  keep(stats: api.Stats | null) {
    if (this.sent) void this.send(this.sent.file, stats, true);
  }

  dismiss = () => {
    this.notice = "";
    this.redraw();
  };

  /** Whether a photo is the one that was sent last, and what became of it when it was kept. */
  isOf(id: string): boolean {
    return this.sent?.id === id;
  }

  toldOf(id: string): string {
    return this.kept?.id === id ? this.kept.text : "";
  }
}

function tellKept({ name, is_new, is_indexed }: api.Kept): string {
  if (!is_new) return `This photo is among yours already: ${name}.`;
  return is_indexed ? `Kept among your photos as ${name}.`
    : `Kept as ${name}. It will be found after the next “regard index”.`;
}
