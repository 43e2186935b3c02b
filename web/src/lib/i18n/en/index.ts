/** What the page says in English: the truth that the other languages are held to. */
import { chat } from "./chat";
import { deeds } from "./deeds";
import { markdown } from "./markdown";
import { media } from "./media";
import { sessions } from "./sessions";
import { shell } from "./shell";

export const en = { deeds, shell, sessions, chat, media, markdown };
