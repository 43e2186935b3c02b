/** Texts about the list of sessions, in Arabic. */
import type { Messages } from "../messages";

export const sessions: Messages["sessions"] = {
  untitled: "جلسة جديدة",
};
