/** Texts about what stands in a message. */
import type { Messages } from "../messages";

export const markdown: Messages["markdown"] = {
  code: "Code",
  copy: "Kopieren",
  copyCode: "Den Code kopieren",
  copied: "Kopiert",
  notCopied: "Kopieren ging nicht",
};
