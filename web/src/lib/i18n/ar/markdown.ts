/** Texts about what stands in a message. */
import type { Messages } from "../messages";

export const markdown: Messages["markdown"] = {
  code: "شيفرة",
  copy: "نسخ",
  copyCode: "نسخ الشيفرة",
  copied: "تم النسخ",
  notCopied: "تعذّر النسخ",
};
