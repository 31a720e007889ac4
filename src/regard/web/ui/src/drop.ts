// Photos dropped anywhere on the page, or chosen from disk.

/** Tell of files dragged over and dropped on the window; returns how to stop. */
export function watchDrops(over: (inside: boolean) => void, drop: (file: File) => void): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  const carriesFile = (event: DragEvent) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const change = (event: DragEvent, by: number) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = Math.max(0, depth + by);
    over(depth > 0);
  };
  addEventListener("dragenter", (event) => change(event, 1), { signal });
  addEventListener("dragleave", (event) => change(event, -1), { signal });
  addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault(), { signal });
  addEventListener(
    "drop",
    (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      const file = event.dataTransfer?.files[0];
      if (file) drop(file);
    },
    { signal },
  );
  return () => gone.abort();
}
