// @vitest-environment node
// What is said in a chat and a real hub that takes it, or does not.

import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { freshId, Rest } from "../../src/lib/client";
import type { Row } from "../../src/lib/chat/row.svelte";
import { hasHub } from "../client/hub";
import { inStep, until } from "../client/stage";
import { PATIENT, WORDLESS, rowOf, say, shows, standings, stands, Talk } from "./talk";

describe.skipIf(!hasHub)(
  "what is sent (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const talk = new Talk();

    it("takes follow-ups while the tutor answers, and says clearly when it takes no more", async () => {
      talk.provider.on("first", [null, "done"]);
      const { chat, device } = await talk.begun();
      await inStep(device);
      const limit = device.welcome?.limits.pendingReplies ?? 0;
      expect(say(chat, "first")).toBe(true);
      for (let count = 2; count <= limit; count++) expect(say(chat, `follow-up ${count}`)).toBe(true);
      expect(say(chat, "one too many")).toBe(false);
      expect([chat.notice, chat.currentMessage]).toEqual([{ kind: "full", limit }, "one too many"]);
      await vi.waitFor(
        () => expect(standings(chat).filter((each) => each === "waiting")).toHaveLength(limit - 1),
        PATIENT,
      );
      await talk.provider.held();
      talk.provider.release();
      await vi.waitFor(
        () => expect(standings(chat).filter((each) => each === "answered")).toHaveLength(limit),
        PATIENT,
      );
      expect(say(chat, "one too many")).toBe(true);
      expect(chat.notice).toBeNull();
    });

    it("keeps what is too long in the composer, and does not send it", async () => {
      const { chat } = await talk.begun();
      const pasted = "🦉".repeat(500_000);
      expect(say(chat, pasted)).toBe(false);
      expect([chat.currentMessage === pasted, chat.composer.isTooLong]).toEqual([true, true]);
      expect(chat.composer.length).toBe(500_000);
      expect(say(chat, "🦉".repeat(chat.composer.limit))).toBe(true);
      await vi.waitFor(() => expect(chat.messages[0]?.standing).toBe("sent"), PATIENT);
    });

    it("does not send nothing", async () => {
      const { chat } = await talk.begun();
      expect([say(chat, ""), say(chat, " \n "), chat.messages]).toEqual([false, false, []]);
    });

    it("keeps what is written on a device that the hub has ended", async () => {
      const { chat, device } = await talk.begun();
      const { token } = await new Rest(talk.hub.url, async () => "").devSignIn(talk.user);
      await new Rest(talk.hub.url, async () => token).signOut({ everywhere: true });
      await until(device, () => device.state === "ended");
      expect([say(chat, "half a thought"), chat.currentMessage, chat.messages]).toEqual([
        false,
        "half a thought",
        [],
      ]);
    });

    it("shows a refused message as failed, with the ways on: back to the composer, or once more", async () => {
      const { chat, device } = await talk.begun();
      const other = talk.stage.device(talk.user);
      await other.deleteSession(chat.session);
      await until(device, () => device.timeline.sessions.get(chat.session)?.deletedAt !== undefined);
      say(chat, "too late");
      await stands(chat, "failed");
      chat.currentMessage = "written since";
      chat.composer.imageUrl = "another picture";
      const { pending } = rowOf(chat, "too late");
      if (pending !== null) pending.metadata = { ...pending.metadata, imageUrl: "its picture" };
      chat.takeBack(rowOf(chat, "too late"));
      expect([chat.notice, chat.currentMessage, standings(chat)]).toEqual([
        { kind: "occupied" },
        "written since",
        ["failed"],
      ]);
      chat.composer.imageUrl = null;
      chat.takeBack(rowOf(chat, "too late"));
      await shows(chat);
      expect(chat.currentMessage).toBe("too late\n\nwritten since");
      expect(chat.composer.imageUrl).toBe("its picture");
      chat.composer.imageUrl = null;
      chat.send(WORDLESS);
      await stands(chat, "failed");
      const [row] = chat.messages;
      await other.restoreSession(chat.session);
      await until(device, () => device.timeline.sessions.get(chat.session)?.deletedAt === undefined);
      if (row !== undefined) chat.sendAgain(row);
      await stands(chat, "sent", "answered");
      expect(chat.messages[0]).toBe(row);
    });

    it("offers to send without a picture that is gone at the hub, and takes back what is left", async () => {
      const { chat } = await talk.begun();
      const fail = async (text: string): Promise<Row> => {
        chat.composer.imageUrl = `/api/media/${freshId()}`;
        expect(say(chat, text)).toBe(true);
        await vi.waitFor(() => expect(rowOf(chat, text).standing).toBe("failed"), PATIENT);
        return rowOf(chat, text);
      };
      const row = await fail("what is on it?");
      expect(row.isBereft).toBe(true);
      chat.takeBack(row);
      expect([chat.currentMessage, chat.composer.imageUrl]).toEqual(["what is on it?", null]);
      chat.sendAgain(await fail("and on this one?"));
      await stands(chat, "sent", "answered");
      expect(chat.messages[0]?.imageUrl).toBeNull();
    });
  },
);
