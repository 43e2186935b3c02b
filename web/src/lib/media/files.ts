/** Files that are pasted, or dropped onto something. What is not a file is left to the browser. */
import type { Attachment } from "svelte/attachments";

type Take = (files: File[]) => void;

/** Cells and paragraphs carry a picture of themselves along: who pastes them means the text. */
export function takesPasted(take: Take): Attachment<HTMLElement> {
  return (element) => {
    const paste = (event: ClipboardEvent) => {
      if (event.clipboardData?.types.includes("text/plain")) return;
      takeFrom(event, event.clipboardData, take);
    };
    element.addEventListener("paste", paste);
    return () => element.removeEventListener("paste", paste);
  };
}

/** While some are held over it, it has the attribute `data-over`. */
export function takesDropped(take: Take): Attachment<HTMLElement> {
  return (element) => {
    const over = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault(); // it may be dropped here
      element.dataset.over = "";
    };
    const leave = (event: DragEvent) => {
      if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget)))
        delete element.dataset.over;
    };
    const drop = (event: DragEvent) => {
      delete element.dataset.over;
      takeFrom(event, event.dataTransfer, take);
    };
    const ending = new AbortController();
    const { signal } = ending;
    element.addEventListener("dragover", over, { signal });
    element.addEventListener("dragleave", leave, { signal });
    element.addEventListener("drop", drop, { signal });
    return () => ending.abort();
  };
}

/** Of the window: where nothing takes a file, the browser would leave the page for it. */
export function refuseFiles(event: DragEvent): void {
  if (event.defaultPrevented || !holdsFiles(event) || event.dataTransfer === null) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function takeFrom(event: Event, given: DataTransfer | null, take: Take): void {
  const files = [...(given?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  take(files);
}
