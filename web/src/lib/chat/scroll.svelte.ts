/**
 * Where the reader is in a conversation. One law: what is being looked at stays where it is, whatever grows, comes or
 * goes above or below. At the end that is the end; elsewhere it is the first message in view, whose place is noted
 * whenever the reader moves and is brought about again after each layout and before it is painted. The browser is not
 * to do the same (`overflow-anchor: none`): so all that moves the view is the reader, or is done here.
 */
import { viewOf } from "./elements";
import { Nearness } from "./nearness";
import { follows, toEnd, type Place } from "./following";

interface Anchor {
  row: Element;
  /** Pixels from the top of the view to the top of the row. */
  top: number;
}

/** So near to the beginning, earlier messages are fetched. */
const NEAR_BEGINNING = 1_500;

export class Scroll {
  isAtEnd = $state(true);
  isNearBeginning = $state(false);
  #view: HTMLElement | null = null;
  #list: HTMLElement | null = null;
  #anchor: Anchor | null = null;
  #place: Place = { top: 0, view: 0, all: 0 };
  readonly #nearness = new Nearness();

  /** `view` is what scrolls, and the list in it is of groups of rows. */
  attach = (view: HTMLElement): (() => void) => {
    this.#view = view;
    this.#list = view.querySelector("[role=list]");
    const sizes = new ResizeObserver(() => this.#settle());
    sizes.observe(view);
    for (const part of view.children) sizes.observe(part);
    const moved = () => this.#moved();
    view.addEventListener("scroll", moved, { passive: true });
    return () => {
      sizes.disconnect();
      view.removeEventListener("scroll", moved);
      this.#view = this.#list = null;
    };
  };

  /** To be attached to a group: tells when it comes near to the view or leaves it, and how high it is then. */
  watch = (told: (isNear: boolean, height: number) => void) => (group: HTMLElement) => {
    const view = viewOf(group);
    return view === null ? undefined : this.#nearness.watch(group, view, told);
  };

  toEnd(): void {
    this.isAtEnd = true;
    this.#settle();
  }

  /** Whatever comes now, this message stays where it is. */
  hold(row: Element | null): void {
    if (row === null) return;
    this.isAtEnd = false;
    this.#anchor = { row, top: this.#topOf(row) };
  }

  /** Brings a message into the upper part of the view, and keeps it there while those around it take their size. */
  show(row: Element): void {
    if (this.#view === null) return;
    this.isAtEnd = false;
    this.#anchor = { row, top: this.#view.clientHeight / 4 };
    this.#settle();
  }

  #moved(): void {
    if (this.#view === null) return;
    const now = placeOf(this.#view);
    this.isAtEnd = follows(this.isAtEnd, this.#place, now);
    if (this.#anchor !== null) this.#anchor.top -= now.top - this.#place.top;
    this.#note(now);
    if (!this.isAtEnd) this.#settle(); // something may have come since the last layout
    this.#anchor = this.isAtEnd ? null : this.#firstInView();
  }

  #settle(): void {
    const view = this.#view;
    if (view === null) return;
    const off = this.isAtEnd ? toEnd(placeOf(view)) : this.#drift();
    if (Math.abs(off) >= 1) view.scrollTop += off;
    this.#note(placeOf(view));
  }

  #note(place: Place): void {
    this.#place = place;
    this.isNearBeginning = place.top < NEAR_BEGINNING;
  }

  #drift(): number {
    if (this.#anchor === null || !this.#anchor.row.isConnected) this.#anchor = this.#firstInView();
    return this.#anchor === null ? 0 : this.#topOf(this.#anchor.row) - this.#anchor.top;
  }

  #topOf(row: Element): number {
    return row.getBoundingClientRect().top - (this.#view?.getBoundingClientRect().top ?? 0);
  }

  /** A row, or a group of which none is in the page. */
  #firstInView(): Anchor | null {
    const edge = this.#view?.getBoundingClientRect().top ?? 0;
    const group = firstBelow(this.#list?.children, edge);
    const row = firstBelow(group?.children, edge) ?? group;
    return row === undefined ? null : { row, top: this.#topOf(row) };
  }
}

/** The first of those that lie in order, and may be many, that ends below an edge. */
function firstBelow(elements: HTMLCollection | undefined, edge: number): Element | undefined {
  if (elements === undefined) return undefined;
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((elements[middle]?.getBoundingClientRect().bottom ?? 0) <= edge) low = middle + 1;
    else high = middle;
  }
  return elements[low];
}

function placeOf(view: HTMLElement): Place {
  return { top: view.scrollTop, view: view.clientHeight, all: view.scrollHeight };
}
