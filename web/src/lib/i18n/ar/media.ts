/** Texts about pictures and sounds, in Arabic. */
import type { Messages } from "../messages";

export const media: Messages["media"] = {
  cancel: "إلغاء",
};
