/** Texts of a conversation, in German. */
import type { Messages } from "../messages";

export const chat: Messages["chat"] = {
  send: "Senden",
  stop: "Anhalten",
};
