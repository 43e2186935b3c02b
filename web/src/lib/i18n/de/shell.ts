/** Texts of the frame, in German. */
import type { Messages } from "../messages";

export const shell: Messages["shell"] = {
  signOut: "Abmelden",
};
