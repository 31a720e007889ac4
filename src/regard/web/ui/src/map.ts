// A photo with the attention of one word over it: heat, a line around its bright part, the region in hand.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import { drawingOf, regionAt, type Drawing } from "./heat.ts";
import { styleOf } from "./style-of.ts";
import type { Shown } from "./words.ts";

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) (entry.target as RegardMap).inView(entry.isIntersecting);
  },
  { rootMargin: "200px" },
);

const drawings = new WeakMap<Shown, Drawing>(); // each made once, by whoever shows it first

/** Heat and the line around it; of the two in a map one is seen, and each new word is drawn on the other. */
const SHEET = html`<div class="heat" aria-hidden="true"><canvas></canvas>
  <svg class="outline" viewBox="0 0 1 1" preserveAspectRatio="none"><path class="under"></path><path></path></svg></div>`;

/** Events: `look` with the region under the pointer, -1 when it leaves; `seen` once its picture can be; `failed` without one. */
export class RegardMap extends LitElement {
  static override properties = {
    src: {}, alt: {}, eager: { type: Boolean }, near: { state: true }, aspect: { type: Number },
    boxes: { attribute: false }, taps: { type: Boolean }, shown: { attribute: false }, region: { type: Number },
  };
  declare src: string;
  declare alt: string;
  declare eager: boolean;
  /** Whether it has come near what can be seen; before, its picture is not asked for. */
  declare near: boolean;
  declare aspect: number;
  declare boxes: number[][];
  /** Heat of the word shown; null shows the photo alone. */
  declare shown: Shown | null;
  /** A region to outline besides; -1 for none. */
  declare region: number;
  /** Whether a tap looks at a region, until the next one. */
  declare taps: boolean;

  private stale = false; // whether there is heat that was not yet drawn: where nobody looks it need not be
  private visible = false;
  private pointed = -1;

  constructor() {
    super();
    this.src = this.alt = "";
    this.eager = this.taps = this.near = false;
    this.aspect = 1;
    this.boxes = [];
    this.shown = null;
    this.region = -1;
  }

  override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    seen.observe(this);
    this.addEventListener("pointermove", this.onMove);
    this.addEventListener("pointerleave", this.onLeave);
    if (this.taps) document.addEventListener("pointerup", this.onTap);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    seen.unobserve(this);
    document.removeEventListener("pointerup", this.onTap);
    this.visible = false;
  }

  inView(visible: boolean) {
    this.visible = visible;
    this.near ||= visible;
    if (visible) this.draw();
    this.tellSeen();
  }

  /** Whether its picture is there and can be seen, or soon. */
  get seen(): boolean {
    return this.visible && this.classList.contains("loaded");
  }

  private tellSeen() {
    if (this.seen) this.dispatchEvent(new CustomEvent("seen", { bubbles: true }));
  }

  override render() {
    return html`
      <img src=${this.near || this.eager ? this.src : nothing} alt=${this.alt}
        decoding="async" draggable="false" @load=${this.onLoad} @error=${this.onFail} />
      ${SHEET}${SHEET}
      ${(this.shown?.marks?.boxes ?? []).map(([x1, y1, x2, y2]) => html`<span class=${y1! < 0.1 ? "box read high" : "box read"} ${styleOf({
        left: `${100 * x1!}%`, top: `${100 * y1!}%`, width: `${100 * (x2! - x1!)}%`, height: `${100 * (y2! - y1!)}%` })}
        >${this.shown!.marks!.label ? html`<i>${this.shown!.marks!.label}</i>` : nothing}</span>`)}
      ${this.region >= 0 ? html`<span class="box pointed" aria-hidden="true"></span>` : nothing}
    `;
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has("region")) this.pointed = this.region;
    if (changed.has("src")) {
      this.classList.remove("failed");
      this.classList.toggle("loaded", this.querySelector("img")!.complete && this.classList.contains("loaded"));
    }
    if (changed.has("shown") || changed.has("boxes") || changed.has("aspect")) {
      this.stale = true;
      this.classList.toggle("lit", !!this.heated);
      if (!this.heated) this.querySelector(".heat.on")?.classList.remove("on");
      if (this.visible) this.draw();
    }
    const pointed = this.querySelector<HTMLElement>(".pointed");
    if (pointed) this.put(pointed, this.region);
  }

  /** What is shown, where that is heat: what is read has boxes of its own. */
  private get heated(): Shown | null {
    return this.shown?.marks ? null : this.shown;
  }

  /** Draw new heat on the sheet that is not seen, and turn from the one to the other. */
  private draw() {
    const { heated } = this;
    if (!heated || !this.stale) return;
    this.stale = false;
    const drawing = drawings.get(heated) ?? drawingOf(this.boxes, heated.heat, heated.importance, this.aspect);
    drawings.set(heated, drawing);
    const seen = this.querySelector(".heat.on");
    const sheet = this.querySelector(".heat:not(.on)")!;
    for (const path of sheet.querySelectorAll("path")) path.setAttribute("d", drawing.line);
    const canvas = sheet.querySelector("canvas")!;
    canvas.width = drawing.image.width;
    canvas.height = drawing.image.height;
    canvas.getContext("2d")!.putImageData(drawing.image, 0, 0);
    sheet.classList.add("on");
    seen?.classList.remove("on");
  }

  private put(element: HTMLElement, region: number) {
    const box = this.boxes[region];
    if (!box) return;
    element.style.left = `${box[0]! * 100}%`;
    element.style.top = `${box[1]! * 100}%`;
    element.style.width = `${(box[2]! - box[0]!) * 100}%`;
    element.style.height = `${(box[3]! - box[1]!) * 100}%`;
  }

  private onLoad = () => {
    this.classList.add("loaded");
    this.tellSeen();
  };

  private onFail = () => {
    this.classList.add("failed");
    this.dispatchEvent(new CustomEvent("failed", { bubbles: true }));
  };

  private onMove = (event: PointerEvent) => {
    if (event.pointerType !== "touch") this.tell(this.under(event));
  };

  private onLeave = (event: PointerEvent) => {
    if (event.pointerType !== "touch") this.tell(-1);
  };

  /** A finger that did not scroll: on the same region again, or elsewhere, it clears. */
  private onTap = (event: PointerEvent) => {
    if (event.pointerType !== "touch") return;
    const region = this.contains(event.target as Node) ? this.under(event) : -1;
    this.tell(region === this.pointed ? -1 : region);
  };

  private under(event: PointerEvent): number {
    const frame = this.getBoundingClientRect();
    const x = (event.clientX - frame.left) / frame.width;
    const y = (event.clientY - frame.top) / frame.height;
    return regionAt(this.boxes, x, y);
  }

  private tell(region: number) {
    if (region === this.pointed) return;
    this.pointed = region;
    this.dispatchEvent(new CustomEvent("look", { detail: region, bubbles: true }));
  }
}

customElements.define("regard-map", RegardMap);
