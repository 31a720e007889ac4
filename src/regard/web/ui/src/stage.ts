// The large photo: zoomed, moved, swiped, and a part of it chosen to search by.

import { LitElement, html, nothing, type PropertyValues } from "lit";
import * as api from "./api.ts";
import "./map.ts";
import { styleOf } from "./style-of.ts";
import type { Shown } from "./words.ts";
import { WHOLE, pan, zoomAt, type Zoom } from "./zoom.ts";

const NO_BOXES: number[][] = [];
const STEP = 1.4; // of one key or click
const SWIPE = 60; // pixels
const SHARP = 1.5; // zoom from which the whole picture is wanted
const NUDGE = 0.02; // of the photo, by which a key moves a box
const LEAST = 0.04; // of the photo, a box is wide and high
export const FIRST_BOX = [0.3, 0.3, 0.4, 0.4];

/** Events: `look` at a region, `swipe` by -1 or 1, `box` drawn, `search` by it with words, `failed`. */
export class RegardStage extends LitElement {
  static override properties = {
    photo: { attribute: false }, boxes: { attribute: false }, region: { type: Number },
    shown: { attribute: false }, box: { attribute: false }, zoom: { state: true }, sharp: { state: true },
  };
  declare photo: api.Photo;
  declare boxes: number[][] | null;
  declare region: number;
  declare shown: Shown | null;
  /** x, y, width and height of the part chosen; null while none is to be chosen. */
  declare box: number[] | null;
  declare zoom: Zoom;
  /** Address of the whole picture, once it is there. */
  declare sharp: string;

  private held = new Map<number, PointerEvent>(); // fingers and buttons that are down
  private began: { x: number; y: number } | null = null;
  private moved = false;

  constructor() {
    super();
    this.boxes = this.shown = this.box = null;
    this.region = -1;
    this.zoom = WHOLE;
    this.sharp = "";
  }

  override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.addEventListener("wheel", this.onWheel, { passive: false });
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.removeEventListener("wheel", this.onWheel);
  }

  override willUpdate(changed: PropertyValues<this>) {
    const before = changed.get("photo");
    if (before && before.id !== this.photo.id) {
      this.zoom = WHOLE;
      this.sharp = "";
    }
    this.classList.toggle("zoomed", this.zoom.scale > 1);
    this.classList.toggle("picking", !!this.box);
    if (this.zoom.scale > SHARP && !this.sharp) this.sharpen();
  }

  /** Have the whole picture in place of the reduced one. */
  private sharpen() {
    const { id, height, width } = this.photo;
    if (Math.max(height, width / 1.5) <= 1600) return;
    const address = api.thumbnailUrl(id, 6000);
    const whole = new Image();
    whole.onload = () => id === this.photo.id && (this.sharp = address);
    whole.src = address;
  }

  /** Zoom by keys: in, out, or back to the whole. */
  step(direction: number) {
    if (!direction) this.zoom = WHOLE;
    else this.zoomBy(direction > 0 ? STEP : 1 / STEP);
  }

  /** Move what is zoomed by a part of the frame; whether it is zoomed at all. */
  nudge(x: number, y: number): boolean {
    if (this.zoom.scale === 1) return false;
    const { width, height } = this.frame;
    this.zoom = pan(this.zoom, -x * width * 0.15, -y * height * 0.15, width, height);
    return true;
  }

  private get frame() {
    return this.querySelector(".frame")!.getBoundingClientRect();
  }

  private zoomBy(factor: number, clientX?: number, clientY?: number) {
    const { left, top, width, height } = this.frame;
    const x = clientX === undefined ? 0 : clientX - left - width / 2;
    const y = clientY === undefined ? 0 : clientY - top - height / 2;
    this.zoom = zoomAt(this.zoom, factor, x, y, width, height);
  }

  override render() {
    const { photo, zoom } = this;
    const aspect = photo.width / photo.height;
    return html`<div class="frame" @pointerdown=${this.onDown} @pointermove=${this.onMove}
      @pointerup=${this.onUp} @pointercancel=${this.onUp} @dblclick=${this.onDouble}>
      <div class="zooming" ${styleOf({ transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` })}>
        <regard-map .src=${this.sharp || api.thumbnailUrl(photo.id, 1600)} .alt=${photo.name} .aspect=${aspect}
          .eager=${true} .boxes=${this.boxes ?? NO_BOXES} .region=${this.box ? -1 : this.region}
          .shown=${this.shown} .taps=${true}></regard-map>
        ${this.box ? this.partBox(this.box) : nothing}
      </div></div>`;
  }

  private partBox([x, y, width, height]: number[]) {
    const per = (value: number) => `${100 * value!}%`;
    return html`<div class="part-box" tabindex="0" role="group" @keydown=${this.onBoxKey}
      aria-label="Part of the photo. Arrow keys move it, with Shift they resize it, Enter searches."
      ${styleOf({ left: per(x!), top: per(y!), width: per(width!), height: per(height!) })}></div>`;
  }

  private onBoxKey = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by && event.key !== "Enter") return;
    event.preventDefault(); // or Enter would send the form that now has the focus
    if (!by) return this.tell("search", null);
    event.stopPropagation();
    const [x, y, width, height] = this.box! as [number, number, number, number];
    const [across, down] = [by[0]! * NUDGE, by[1]! * NUDGE];
    this.choose(event.shiftKey ? [x, y, width + across, height + down] : [x + across, y + down, width, height]);
  };

  private choose([x, y, width, height]: number[]) {
    const wide = Math.min(1, Math.max(LEAST, width!));
    const high = Math.min(1, Math.max(LEAST, height!));
    this.tell("box", [Math.min(1 - wide, Math.max(0, x!)), Math.min(1 - high, Math.max(0, y!)), wide, high]);
  }

  /** A place on the photo as parts of its width and height. */
  private at({ clientX, clientY }: { clientX: number; clientY: number }) {
    const frame = this.querySelector("regard-map")!.getBoundingClientRect();
    const within = (value: number) => Math.min(1, Math.max(0, value));
    return { x: within((clientX - frame.left) / frame.width), y: within((clientY - frame.top) / frame.height) };
  }

  private onWheel = (event: WheelEvent) => {
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  };

  private onDouble = (event: MouseEvent) => {
    if (this.box) return;
    if (this.zoom.scale > 1) this.zoom = WHOLE;
    else this.zoomBy(2.5, event.clientX, event.clientY);
  };

  private onDown = (event: PointerEvent) => {
    if (event.button) return;
    if (event.pointerType === "mouse" && !this.box && this.zoom.scale === 1) return; // nothing to move
    this.held.set(event.pointerId, event);
    this.moved = this.held.size > 1;
    this.began = this.box ? this.at(event) : { x: event.clientX, y: event.clientY };
    if (this.box || this.zoom.scale > 1) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  };

  private onMove = (event: PointerEvent) => {
    const before = this.held.get(event.pointerId);
    if (!before) return;
    const other = [...this.held.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    this.held.set(event.pointerId, event);
    if (Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 0) this.moved = true;
    if (this.box) this.draw(event);
    else if (other) {
      const apart = (one: PointerEvent) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      this.zoomBy(apart(event) / Math.max(1, apart(before)), (event.clientX + other.clientX) / 2,
        (event.clientY + other.clientY) / 2);
    } else if (this.zoom.scale > 1) {
      const { width, height } = this.frame;
      this.zoom = pan(this.zoom, event.clientX - before.clientX, event.clientY - before.clientY, width, height);
    }
  };

  private draw(event: PointerEvent) {
    const from = this.began!;
    const to = this.at(event);
    this.choose([Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(to.x - from.x), Math.abs(to.y - from.y)]);
  }

  private onUp = (event: PointerEvent) => {
    if (!this.held.delete(event.pointerId) || !this.began) return;
    const x = event.clientX - this.began.x;
    const y = event.clientY - this.began.y;
    const swiped = event.type === "pointerup" && event.pointerType === "touch" && !this.box && !this.held.size
      && this.zoom.scale === 1 && Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y);
    if (swiped) this.tell("swipe", x < 0 ? 1 : -1);
    if (this.moved && (swiped || this.box || this.zoom.scale > 1)) event.stopPropagation(); // no tap on a region
  };

  private tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("regard-stage", RegardStage);
