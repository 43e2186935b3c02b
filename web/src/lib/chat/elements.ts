/** Where in the page a conversation is: the only place that knows by what its parts are found. */
import { isByHand } from "../shell/focus";

const VIEW = "[role=region]";

/** By this a message's row is found. */
export function rowId(message: string): string {
  return `m-${message}`;
}

export function rowOf(message: string): HTMLElement | null {
  return document.getElementById(rowId(message));
}

/** Null also while it is deleted, and that can be undone. */
export function articleOf(message: string | undefined): HTMLElement | null {
  return message === undefined ? null : (rowOf(message)?.querySelector("article") ?? null);
}

/** What the messages scroll in. */
export function view(): HTMLElement | null {
  return document.querySelector(`main ${VIEW}`);
}

/** The same, from within, also while it is being made. */
export function viewOf(element: Element): HTMLElement | null {
  return element.closest<HTMLElement>(VIEW);
}

/** Where one writes to the tutor. */
export function field(): HTMLElement | null {
  return document.getElementById("composer");
}

/** Where one goes on: where one writes; by hand, what one reads. */
export function composer(): HTMLElement | null {
  return isByHand() ? view() : field();
}

/** What is said instead of what was there. */
export function notice(): HTMLElement | null {
  return document.querySelector("main .instead");
}
