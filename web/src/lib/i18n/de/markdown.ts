/** Texts about what stands in a message. */
import type { Messages } from "../messages";

export const markdown: Messages["markdown"] = {
  code: "Code",
  copyCode: "Den Code kopieren",
};
