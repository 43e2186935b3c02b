/** What the page says in Arabic, from right to left. */
import type { Messages } from "../messages";
import { chat } from "./chat";
import { deeds } from "./deeds";
import { markdown } from "./markdown";
import { media } from "./media";
import { sessions } from "./sessions";
import { shell } from "./shell";

export const ar: Messages = { deeds, shell, sessions, chat, media, markdown };
