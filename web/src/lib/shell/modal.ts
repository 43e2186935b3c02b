/**
 * Shows a <dialog> over the page until it is taken away. Then the focus goes back to where it was, unless it has gone
 * elsewhere meanwhile. Without `onclose` there is no way around it: browsers let a page hold back Escape only so often,
 * so one that was closed all the same is shown again.
 */
import type { Attachment } from "svelte/attachments";

export function modal(onclose: (() => void) | undefined): Attachment<HTMLDialogElement> {
  return (dialog) => {
    const former = document.activeElement;
    const show = () => dialog.showModal();
    // Told late, and so perhaps of one that is gone already.
    const closed = () => dialog.isConnected && (onclose ?? show)();
    const pressed = (event: PointerEvent) => {
      if (event.target === dialog) onclose?.(); // its box is all filled: what is outside of that is the backdrop
    };
    dialog.setAttribute("closedby", onclose === undefined ? "none" : "closerequest");
    dialog.addEventListener("close", closed);
    dialog.addEventListener("pointerdown", pressed);
    show();
    return () => {
      dialog.removeEventListener("close", closed);
      dialog.removeEventListener("pointerdown", pressed);
      const isHere = dialog.contains(document.activeElement) || document.activeElement === document.body;
      dialog.close();
      if (isHere && former instanceof HTMLElement) former.focus({ preventScroll: true });
    };
  };
}
