/** What can be done, in Arabic. */
import type { Messages } from "../messages";

export const deeds: Messages["deeds"] = {
  undo: "تراجع",
  close: "إغلاق",
  cancel: "إلغاء",
  dismiss: "إخفاء",
  again: "حاول مجددًا",
  copy: "نسخ",
  copied: "تم النسخ",
  notCopied: "تعذّر النسخ",
  delete: "حذف",
};
