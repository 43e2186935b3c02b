/** Texts of a conversation, in Arabic. */
import type { Messages } from "../messages";

export const chat: Messages["chat"] = {
  send: "إرسال",
  stop: "إيقاف",
};
