/** What can be done, wherever it is offered. */
export const deeds = {
  undo: "Undo",
  close: "Close",
  cancel: "Cancel",
  dismiss: "Dismiss",
  again: "Try again",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Could not copy",
  delete: "Delete",
};
