/** What can be done, in German. */
import type { Messages } from "../messages";

export const deeds: Messages["deeds"] = {
  undo: "Rückgängig",
  close: "Schließen",
  cancel: "Abbrechen",
  dismiss: "Ausblenden",
  again: "Noch einmal versuchen",
  copy: "Kopieren",
  copied: "Kopiert",
  notCopied: "Kopieren ging nicht",
  delete: "Löschen",
};
