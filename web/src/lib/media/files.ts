/** Files that are pasted, or dropped onto something. What is not a file is left to the browser. */
import type { Attachment } from "svelte/attachments";

/** Of the element that takes them; while some are held over it, it has the attribute `data-over`. */
export function takesFiles(onfiles: (files: File[]) => void): Attachment<HTMLElement> {
  return (element) => {
    const take = (event: Event, given: DataTransfer | null) => {
      delete element.dataset.over;
      const files = [...(given?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      onfiles(files);
    };
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // or the browser would leave the page for the file
      element.dataset.over = "";
    };
    const ending = new AbortController();
    const { signal } = ending;
    element.addEventListener("paste", (event) => take(event, event.clipboardData), { signal });
    element.addEventListener("drop", (event) => take(event, event.dataTransfer), { signal });
    element.addEventListener("dragover", over, { signal });
    element.addEventListener("dragleave", () => delete element.dataset.over, { signal });
    return () => ending.abort();
  };
}
