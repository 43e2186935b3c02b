// @vitest-environment node
// How a conversation begins, and how it is answered: shown at once, on the line and without one.

import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { freshId } from "../../src/lib/client";
import { Beginning } from "../../src/lib/state/beginning.svelte";
import { ChatStore } from "../../src/lib/state/chat.svelte";
import { hasHub, Hub, Provider } from "../client/hub";
import { Stage } from "../client/stage";
import { belongings } from "./belongings";

const WORDLESS = "Please look at this picture.";
const PATIENT = { timeout: 15_000 };

describe.skipIf(!hasHub)(
  "a beginning (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const provider = new Provider();
    const leaving: (() => void)[] = [];
    let hub: Hub;
    let stage: Stage;
    let user: string;

    beforeAll(async () => {
      // Node paints nothing: a frame is whatever comes next.
      vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run));
      vi.stubGlobal("cancelAnimationFrame", clearTimeout);
      vi.stubGlobal("document", { hidden: false });
      hub = new Hub(await provider.listen());
      await hub.start();
      stage = new Stage(hub.url);
    }, 60_000);

    beforeEach(() => {
      user = freshId();
    });

    afterEach(() => {
      for (const leave of leaving.splice(0)) leave();
      stage.close();
    });

    afterAll(async () => {
      provider.close();
      await hub.close();
      vi.unstubAllGlobals();
    }, 30_000);

    const texts = (chat: ChatStore) => chat.messages.map((row) => row.text);

    it("shows another mode and language at once, and the former ones if the hub refuses", async () => {
      const device = stage.device(user);
      const refusals: string[] = [];
      const visit = await belongings(device, user, leaving, refusals);
      const chat = new ChatStore((await device.createSession()).id, visit);
      leaving.push(chat.start());
      await vi.waitFor(() => expect(chat.info).not.toBeNull(), PATIENT);
      void chat.useMode("learn");
      void chat.useLanguage("fr");
      expect([chat.mode, chat.language]).toEqual(["learn", "fr"]);
      await chat.useLanguage("en");
      await vi.waitFor(() => expect(chat.info?.mode).toBe("learn"), PATIENT);
      const refused = chat.useLanguage("no language at all, and far too long for the name of one");
      expect(chat.language).toMatch(/^no language/);
      await refused;
      expect([chat.mode, chat.language, refusals]).toEqual(["learn", "en", ["invalid"]]);
    });

    it("shows without a connection how it is answered from now on, and that nothing has been said", async () => {
      const device = stage.device(user, { url: "http://127.0.0.1:9" });
      const visit = await belongings(device, user, leaving);
      const chat = new ChatStore(visit.sessions.create({ language: "de" }), visit);
      leaving.push(chat.start());
      expect([chat.isLoading, chat.mode, chat.language]).toEqual([false, "fun", "de"]);
      void chat.useMode("learn");
      void chat.useLanguage("fr");
      expect([chat.mode, chat.language]).toEqual(["learn", "fr"]);
      const unknown = new ChatStore(freshId(), visit);
      leaving.push(unknown.start());
      await vi.waitFor(() => expect([unknown.isLoading, unknown.isAway]).toEqual([true, true]), PATIENT);
    });

    it("begins with what is asked first, in the mode and the language that were chosen", async () => {
      const visit = await belongings(stage.device(user), user, leaving);
      const gone: string[] = [];
      const page = { language: "de", router: { go: (session: string) => gone.push(session) } };
      const beginning = new Beginning({ visit, page });
      leaving.push(beginning.composer.start());
      beginning.useMode("learn");
      beginning.composer.text = "Warum?";
      const reloaded = new Beginning({ visit, page });
      leaving.push(reloaded.composer.start());
      expect(reloaded.composer.text).toBe("Warum?");
      expect([visit.sessions.sessions, beginning.send(WORDLESS), beginning.composer.text]).toEqual([
        [],
        true,
        "",
      ]);
      const [session] = gone;
      const chat = new ChatStore(session ?? "", visit);
      leaving.push(chat.start());
      expect([texts(chat), chat.mode, chat.language]).toEqual([["Warum?"], "learn", "de"]);
      await vi.waitFor(() => expect(texts(chat)).toEqual(["Warum?", "WARUM?"]), PATIENT);
      expect([chat.info?.seq === 0, chat.mode, chat.language]).toEqual([false, "learn", "de"]);
      expect(beginning.send(WORDLESS)).toBe(false);
    });
  },
);
