/** What the page says in English: the truth that the other languages are held to. */
import { chat } from "./chat";
import { markdown } from "./markdown";
import { media } from "./media";
import { sessions } from "./sessions";
import { shell } from "./shell";

export const en = { shell, sessions, chat, media, markdown };
