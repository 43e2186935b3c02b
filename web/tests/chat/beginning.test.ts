// @vitest-environment node
// How a conversation begins, and how it is answered: shown at once, on the line and without one.

import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { freshId } from "../../src/lib/client";
import { Beginning } from "../../src/lib/chat/beginning.svelte";
import { ChatStore } from "../../src/lib/chat/chat.svelte";
import { speak } from "../../src/lib/i18n/index.svelte";
import { Composers } from "../../src/lib/chat/composers";
import { hasHub } from "../client/hub";
import { belongings } from "./belongings";
import { Scene } from "./scene";

const WORDLESS = "Please look at this picture.";
const PATIENT = { timeout: 15_000 };

describe.skipIf(!hasHub)(
  "a beginning (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const scene = new Scene();
    let user: string;

    beforeEach(() => {
      user = freshId();
    });

    const texts = (chat: ChatStore) => chat.messages.map((row) => row.text);

    it("shows another mode and language at once, and the former ones if the hub refuses", async () => {
      const device = scene.stage.device(user);
      const refusals: string[] = [];
      const visit = await belongings(device, user, scene.leaving, refusals);
      const chat = new ChatStore((await device.createSession()).id, visit);
      scene.leaving.push(chat.start());
      await vi.waitFor(() => expect(chat.details).not.toBeNull(), PATIENT);
      void chat.useMode("learn");
      void chat.useLanguage("fr");
      expect([chat.mode, chat.language]).toEqual(["learn", "fr"]);
      await chat.useLanguage("en");
      await vi.waitFor(() => expect(chat.details?.mode).toBe("learn"), PATIENT);
      const refused = chat.useLanguage("no language at all, and far too long for the name of one");
      expect(chat.language).toMatch(/^no language/);
      await refused;
      expect([chat.mode, chat.language, refusals]).toEqual(["learn", "en", ["invalid"]]);
    });

    it("shows without a connection how it is answered from now on, and that nothing has been said", async () => {
      const device = scene.stage.device(user, { url: "http://127.0.0.1:9" });
      const visit = await belongings(device, user, scene.leaving);
      const chat = new ChatStore(visit.sessions.create({ language: "de" }), visit);
      scene.leaving.push(chat.start());
      expect([chat.isLoading, chat.mode, chat.language]).toEqual([false, "fun", "de"]);
      void chat.useMode("learn");
      void chat.useLanguage("fr");
      expect([chat.mode, chat.language]).toEqual(["learn", "fr"]);
      const unknown = new ChatStore(freshId(), visit);
      scene.leaving.push(unknown.start());
      await vi.waitFor(() => expect([unknown.isLoading, unknown.isAway]).toEqual([true, true]), PATIENT);
    });

    it("begins with what is asked first, in the mode and the language that were chosen", async () => {
      const visit = await belongings(scene.stage.device(user), user, scene.leaving);
      const gone: string[] = [];
      const page = { router: { go: (session: string) => gone.push(session) } };
      const beginning = new Beginning({ visit, page });
      expect(beginning.language).toBe("en");
      await speak("de");
      scene.leaving.push(() => void speak("en"));
      expect(beginning.language, "the page's, unless another is chosen").toBe("de");
      beginning.useMode("learn");
      beginning.composer.text = "Warum?";
      const reloaded = new Beginning({ visit: { ...visit, composers: new Composers(visit) }, page });
      expect(reloaded.composer.text).toBe("Warum?");
      expect([visit.sessions.sessions, beginning.send(WORDLESS), beginning.composer.text]).toEqual([
        [],
        true,
        "",
      ]);
      const [session] = gone;
      const chat = new ChatStore(session ?? "", visit);
      scene.leaving.push(chat.start());
      expect([texts(chat), chat.mode, chat.language]).toEqual([["Warum?"], "learn", "de"]);
      await vi.waitFor(() => expect(texts(chat)).toEqual(["Warum?", "WARUM?"]), PATIENT);
      expect([chat.details?.seq === 0, chat.mode, chat.language]).toEqual([false, "learn", "de"]);
      expect(beginning.send(WORDLESS)).toBe(false);
    });
  },
);
