/** Texts about pictures and sounds, in German. */
import type { Messages } from "../messages";

export const media: Messages["media"] = {
  cancel: "Abbrechen",
};
