// A photo that fills the screen, and one photo after the other by itself.

const EVERY_MS = 4000;

export class Screen {
  playing = false;
  filling = false;
  private timer = 0;

  /** `next` shows the next photo, and says whether there was one. */
  constructor(
    private redraw: () => void,
    private stage: () => Element | null,
    private next: () => boolean,
  ) {}

  watch() {
    document.addEventListener("fullscreenchange", this.onChange);
  }

  leave() {
    clearInterval(this.timer);
    document.removeEventListener("fullscreenchange", this.onChange);
  }

  /** Fill the screen with the stage, or no longer. */
  fill() {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.stage()?.requestFullscreen().catch(() => {}); // it may be refused
  }

  /** Begin or end the slideshow. */
  play() {
    clearInterval(this.timer);
    this.playing = !this.playing;
    if (this.playing) {
      if (!document.fullscreenElement) this.fill();
      this.timer = window.setInterval(() => this.next() || this.play(), EVERY_MS);
    }
    this.redraw();
  }

  private onChange = () => {
    this.filling = !!document.fullscreenElement;
    if (!this.filling && this.playing) this.play();
    this.redraw();
  };
}
