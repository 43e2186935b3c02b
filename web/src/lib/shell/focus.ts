/**
 * Where the focus goes. What had it may go: a form that is saved, a button that has done its work. The browser then
 * leaves the focus nowhere, and who works by keyboard or by ear is back at the beginning of the page.
 */
import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";

type Found = HTMLElement | null | undefined;

export function isByHand(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

/** Where there is a keyboard, a field is what one came for; on a phone it would bring the keys up over the page. */
export function focusByHabit(field: HTMLElement): void {
  if (!isByHand()) field.focus({ preventScroll: true });
}

/** When this goes and the focus with it, the focus goes to what is found then. */
export function handsOn(find: () => Found): Attachment<HTMLElement> {
  return (element) => {
    let hasFocus = element.contains(document.activeElement);
    const came = () => (hasFocus = true);
    // To nobody: the window is left, or this is what takes the focus along.
    const went = (event: FocusEvent) => (hasFocus = event.relatedTarget === null);
    element.addEventListener("focusin", came);
    element.addEventListener("focusout", went);
    return () => {
      element.removeEventListener("focusin", came);
      element.removeEventListener("focusout", went);
      if (hasFocus) void handOver(find);
    };
  };
}

async function handOver(find: () => Found): Promise<void> {
  await tick(); // what comes in its place is there
  if (isLost()) find()?.focus({ preventScroll: true });
}

function isLost(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body;
}
