/** How a time is written, in a language. A format is made once, because that takes longer than all that is done with it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${Object.entries(options).join()}`;
  const made = formats.get(key) ?? new Intl.DateTimeFormat(language, options);
  formats.set(key, made);
  return made;
}

/** "14:05", or "3 Mar", or "3 Mar 2024": as much as is needed to know when. */
export function shortTime(language: string, time: string, now = new Date()): string {
  const then = new Date(time);
  return format(language, partsOf(then, now)).format(then);
}

/** The whole of it: "3 March 2026 at 14:05". */
export function longTime(language: string, time: string): string {
  return format(language, { dateStyle: "long", timeStyle: "short" }).format(new Date(time));
}

function partsOf(then: Date, now: Date): Intl.DateTimeFormatOptions {
  if (then.toDateString() === now.toDateString()) return { hour: "2-digit", minute: "2-digit" };
  if (then.getFullYear() === now.getFullYear()) return { day: "numeric", month: "short" };
  return { day: "numeric", month: "short", year: "numeric" };
}
