/** What the page says in German. */
import type { Messages } from "../messages";
import { chat } from "./chat";
import { markdown } from "./markdown";
import { media } from "./media";
import { sessions } from "./sessions";
import { shell } from "./shell";

export const de: Messages = { shell, sessions, chat, media, markdown };
