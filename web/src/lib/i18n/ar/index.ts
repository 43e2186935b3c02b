/** What the page says in Arabic, from right to left. */
import type { Messages } from "../messages";
import { chat } from "./chat";
import { markdown } from "./markdown";
import { media } from "./media";
import { sessions } from "./sessions";
import { shell } from "./shell";

export const ar: Messages = { shell, sessions, chat, media, markdown };
