/** Texts about the list of sessions, in German. */
import type { Messages } from "../messages";

export const sessions: Messages["sessions"] = {
  untitled: "Neue Sitzung",
};
