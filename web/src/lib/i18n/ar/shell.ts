/** Texts of the frame, in Arabic. */
import type { Messages } from "../messages";

export const shell: Messages["shell"] = {
  signOut: "تسجيل الخروج",
};
