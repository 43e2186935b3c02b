/** Texts about what stands in a message. */
import type { Messages } from "../messages";

export const markdown: Messages["markdown"] = {
  code: "شيفرة",
  copyCode: "نسخ الشيفرة",
};
