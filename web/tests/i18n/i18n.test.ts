/** The page's languages: which one a reader gets, and that numbers, nouns and times follow it. */
import { describe, expect, it } from "vitest";
import { explained } from "../../src/lib/i18n/explained";
import { speak, t } from "../../src/lib/i18n/index.svelte";
import { preferred } from "../../src/lib/i18n/messages";
import { nameOfLanguage } from "../../src/lib/i18n/names";
import { plural } from "../../src/lib/i18n/plural";
import { longTime, shortTime } from "../../src/lib/i18n/times";

describe("the language of the page", () => {
  it("is the first of the reader's that it speaks", () => {
    expect(preferred(["fr-CA", "de-AT", "en"])).toBe("de");
  });

  it("is English for a reader of none of them", () => {
    expect(preferred(["fr", "toString"])).toBe("en");
  });

  it("turns the page around for Arabic, and back", async () => {
    await speak("ar");
    expect(document.documentElement.dir).toBe("rtl");
    expect(t().shell.signOut).toMatch(/[\u0600-\u06ff]/);
    await speak("en");
    expect([document.documentElement.dir, document.documentElement.lang]).toEqual(["ltr", "en"]);
  });
});

describe("what can be done", () => {
  it("is said in one way, wherever it is offered", async () => {
    for (const language of ["en", "de", "ar"] as const) {
      await speak(language);
      const { deeds, ...others } = t();
      const said = new Set<unknown>(Object.values(deeds));
      const saidAgain = Object.values(others).flatMap((area) =>
        Object.entries(area).filter(([, text]) => said.has(text)),
      );
      expect(saidAgain).toEqual([]);
    }
    await speak("en");
  });
});

describe("somebody's own words", () => {
  it("in a sentence of the page turn nothing else of it round", async () => {
    for (const language of ["en", "de", "ar"] as const) {
      await speak(language);
      const { deleted, nothingFoundText } = t().sessions;
      for (const said of [deleted("عنوان"), nothingFoundText("title")])
        expect(said).toMatch(/\u2068[^\u2069]+\u2069/);
    }
    await speak("en");
  });
});

describe("a reply that failed", () => {
  it("says why in the reader's language", async () => {
    const failure = { code: "provider_unreachable", detail: "The tutor's provider cannot be reached." };
    await speak("de");
    expect(explained(failure)).toBe("Der Tutor ist gerade nicht zu erreichen.");
    await speak("en");
    expect(explained({ code: "unheard_of", detail: "In the hub's words." })).toBe("In the hub's words.");
  });
});

describe("what the hub finds wrong with a field", () => {
  const invalid = (code?: string) => ({
    code: "invalid",
    detail: "content: has no text",
    errors: code === undefined ? [] : [{ field: "content", code, message: "has no text" }],
  });

  it("is said in the reader's words by its kind, and of an unknown kind that it cannot be taken", async () => {
    for (const language of ["en", "de", "ar"] as const) {
      await speak(language);
      const { blank, length, other } = t().shell.invalid;
      const said = ["blank", "length", "unheard_of", undefined].map((code) => explained(invalid(code)));
      expect(said).toEqual([blank, length, other, other]);
    }
    await speak("en");
  });
});

describe("a refusal", () => {
  it("is said in the words of its place if that has any, else in those of the whole page", async () => {
    for (const language of ["en", "de", "ar"] as const) {
      await speak(language);
      const { refused, notWritten } = t().media;
      const said = ["empty", "storage_full"].map((code) => explained({ code }, refused));
      expect(said).toEqual([refused.empty, t().shell.problems.storage_full]);
      expect(explained({ code: "not_offered" }, notWritten)).toBe(notWritten.not_offered);
    }
    await speak("en");
  });
});

describe("the name of a language", () => {
  it("is the reader's word for it, and a code that is none stays as it is", () => {
    expect(nameOfLanguage("ar", "de")).toBe("Arabisch");
    for (const code of ["de-1", "en-a"]) expect(nameOfLanguage(code, "de")).toBe(code);
  });
});

describe("a number of things", () => {
  it("has the noun's form of the language", () => {
    expect(plural("en")(1, { one: "# message", other: "# messages" })).toBe("1 message");
    expect(plural("de")(1200, { one: "# Nachricht", other: "# Nachrichten" })).toBe("1.200 Nachrichten");
    expect(plural("ar")(2, { two: "رسالتان", other: "# رسالة" })).toBe("رسالتان");
  });
});

describe("a time", () => {
  const now = new Date(2026, 2, 3, 18);

  it("is the hour today, the day this year, and the year before", () => {
    expect(shortTime("en-GB", new Date(2026, 2, 3, 9, 5).toISOString(), now)).toBe("09:05");
    expect(shortTime("en-GB", new Date(2026, 0, 7).toISOString(), now)).toBe("7 Jan");
    expect(shortTime("en-GB", new Date(2024, 0, 7).toISOString(), now)).toBe("7 Jan 2024");
  });

  it("is said in whole where there is room", () => {
    expect(longTime("de", new Date(2026, 2, 3, 9, 5).toISOString())).toContain("3. März 2026");
  });
});
