// Inline styles under a policy that forbids style attributes: set through the CSSOM only.

import { noChange } from "lit";
import { Directive, PartType, directive, type ElementPart, type PartInfo } from "lit/directive.js";

class StyleOf extends Directive {
  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("styleOf stands in a tag, on no attribute");
  }

  override render(_values: Record<string, string>) {
    return noChange;
  }

  override update(part: ElementPart, [values]: [Record<string, string>]) {
    const style = (part.element as HTMLElement).style;
    for (const [name, value] of Object.entries(values)) style.setProperty(name, value);
    return noChange;
  }
}

export const styleOf = directive(StyleOf);
