/**
 * What the page can say. English is the truth; another language is complete if it is of English's type: each text is
 * a string, or a function of what is told in it. An area (a file of `en/`, `de/`, `ar/`) belongs to a part of the page;
 * `deeds` belongs to all of them.
 */
import type { en } from "./en";

export type Messages = typeof en;

/** The languages of the page, each by its own name. */
export const languages = { en: "English", de: "Deutsch", ar: "العربية" } as const;
export type Language = keyof typeof languages;

export function isLanguage(name: string): name is Language {
  return Object.hasOwn(languages, name);
}

/** The first of the reader's languages that the page speaks; English without any. */
export function preferred(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.split("-")[0] ?? "").find(isLanguage) ?? "en";
}

export function direction(language: string): "ltr" | "rtl" {
  return language === "ar" ? "rtl" : "ltr";
}
