/**
 * Says everything in the reader's language: `t().shell.signOut`. Where it is read, it is read anew when the language
 * changes. English comes with the page, another language when it is asked for.
 */
import { en } from "./en";
import { direction, type Language, type Messages } from "./messages";
import { longTime, shortTime } from "./times";

const others = {
  de: () => import("./de").then((module) => module.de),
  ar: () => import("./ar").then((module) => module.ar),
};

let spoken = $state.raw<{ language: Language; messages: Messages }>({ language: "en", messages: en });

export function t(): Messages {
  return spoken.messages;
}

export function language(): Language {
  return spoken.language;
}

/** From now on in this language, once its texts are here. */
export async function speak(wanted: Language): Promise<void> {
  spoken = { language: wanted, messages: wanted === "en" ? en : await others[wanted]() };
  document.documentElement.lang = wanted;
  document.documentElement.dir = direction(wanted);
}

export function number(value: number): string {
  return new Intl.NumberFormat(spoken.language).format(value);
}

/** As much of a time as is needed to know when. */
export function when(time: string): string {
  return shortTime(spoken.language, time);
}

/** The whole of a time. */
export function whenExactly(time: string): string {
  return longTime(spoken.language, time);
}
