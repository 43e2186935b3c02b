// @vitest-environment node
// What was changed without a connection, and a real hub: it stays changed when the page is loaded again, until the hub
// has done it or said no.

import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Device, freshId, openStore } from "../../src/lib/client";
import { type Belongings, ChatStore } from "../../src/lib/chat/chat.svelte";
import type { Surroundings } from "../../src/lib/chat/composer.svelte";
import { hasHub } from "../client/hub";
import { settled } from "../client/stage";
import { belongings } from "./belongings";
import { Scene } from "./scene";

const NOWHERE = "http://127.0.0.1:9";
const NOT_LISTED = freshId();
const PATIENT = { timeout: 15_000 };

interface Page extends Belongings, Surroundings {
  chat: ChatStore;
  /** What it was told of changes that nobody waits for. */
  refused: string[];
  /** What was written of messages that are gone. */
  lost: string[];
}

describe.skipIf(!hasHub)(
  "changes (they need the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const scene = new Scene();
    let user: string;
    let session: string;

    beforeEach(async () => {
      user = freshId();
      const device = scene.stage.device(user, { store: await openStore(user) });
      session = (await device.createSession({ title: "Pho" })).id;
      await device.open(session);
      await settled(device, (await device.send(session, "apples")).reply);
      device.disconnect();
    });

    /** The page as it is after it was loaded, whatever it shows then. */
    async function opened(url: string): Promise<Page> {
      const device = scene.stage.device(user, { url, store: await openStore(user) });
      const refused: string[] = [];
      const lost: string[] = [];
      device.on((each) => {
        if (each.type === "refused") refused.push(each.change.type, each.problem.code);
      });
      const visit = await belongings(device, user, scene.leaving, [], lost);
      const chat = new ChatStore(session, visit);
      scene.leaving.push(chat.start());
      return { ...visit, chat, refused, lost };
    }

    /** The same, once it shows the messages that were kept. */
    async function loaded(url: string): Promise<Page> {
      const page = await opened(url);
      await vi.waitFor(() => expect(page.chat.messages.length).toBeGreaterThan(0), PATIENT);
      return page;
    }

    function left({ device }: Page): void {
      for (const leave of scene.leaving.splice(0).reverse()) leave();
      device.disconnect();
    }

    const rows = ({ chat }: Page) => chat.messages.map((row) => `${row.text}: ${row.standing}`);
    const titles = ({ sessions }: Page) => sessions.sessions.map((row) => row.title);
    const pending = (device: Device) => device.pendingChanges().map(({ change }) => change.type);

    async function changed(): Promise<Page> {
      const page = await loaded(NOWHERE);
      const [said, reply] = page.chat.messages;
      if (said === undefined || reply === undefined || page.chat.details === null)
        throw new Error("It is kept.");
      void page.chat.edit(said, "pears");
      page.chat.delete(reply);
      void page.deletions.finishAll();
      void page.sessions.rename(page.chat.details, "Broth");
      void page.chat.useMode("learn");
      page.sessions.create({ title: "Begun in the tunnel" });
      return page;
    }

    async function shows(page: Page, standing: string): Promise<void> {
      await vi.waitFor(() => expect(rows(page)).toEqual([`pears: ${standing}`]), PATIENT);
      await vi.waitFor(() => expect(titles(page)).toEqual(["Begun in the tunnel", "Broth"]), PATIENT);
      expect(page.chat.mode).toBe("learn");
    }

    it("are shown at once and after the page is loaded again, and done once there is a connection", async () => {
      const page = await changed();
      await shows(page, "queued");
      left(page);
      const again = await loaded(NOWHERE);
      await shows(again, "queued");
      left(again);
      const online = await loaded(scene.hub.url);
      await vi.waitFor(() => expect(pending(online.device)).toEqual([]), PATIENT);
      await shows(online, "sent");
    });

    it("of a session that is deleted and brought back leave it where it is", async () => {
      const page = await loaded(NOWHERE);
      const row = page.sessions.find(session);
      if (row === null) throw new Error("It is kept.");
      void page.sessions.delete(row);
      left(page);
      const again = await loaded(NOWHERE);
      expect([titles(again), again.sessions.isDeleted(session)]).toEqual([[], true]);
      void again.sessions.restore(session);
      expect(titles(again)).toEqual(["Pho"]);
    });

    it("of a session that is begun and deleted leave it deleted, and so of one that is not in the list", async () => {
      const page = await loaded(NOWHERE);
      const begun = page.sessions.create({ title: "Begun in the tunnel" });
      const row = page.sessions.find(begun);
      if (row === null) throw new Error("It is shown.");
      void page.sessions.delete(row);
      void page.sessions.delete({ ...row, id: NOT_LISTED });
      left(page);
      const again = await loaded(NOWHERE);
      for (const id of [begun, NOT_LISTED]) expect(again.sessions.isDeleted(id)).toBe(true);
      void again.sessions.restore(NOT_LISTED);
      expect(again.sessions.isDeleted(NOT_LISTED)).toBe(false);
    });

    it("that are refused after all are said, shown as they are at the hub, and an edit is written on", async () => {
      const page = await loaded(NOWHERE);
      const [said] = page.chat.messages;
      if (said === undefined || page.chat.details === null) throw new Error("It is kept.");
      const tooLong = "x".repeat(8_001);
      void page.chat.edit(said, tooLong);
      void page.sessions.rename(page.chat.details, "x".repeat(501));
      left(page);
      const online = await loaded(scene.hub.url);
      await vi.waitFor(() => expect(pending(online.device)).toEqual([]), PATIENT);
      expect(online.refused).toEqual(["message.edit", "invalid", "session.update", "invalid"]);
      await vi.waitFor(() => expect(rows(online)).toEqual(["apples: sent", "APPLES: answered"]), PATIENT);
      expect([titles(online), online.edits.of(said.id)]).toEqual([["Pho"], tooLong]);
    });

    it("of a message are written on while its session is deleted, and handed back once it is itself", async () => {
      const page = await loaded(NOWHERE);
      const [said] = page.chat.messages;
      if (said === undefined) throw new Error("It is kept.");
      void page.chat.edit(said, "pears");
      left(page);
      const laptop = scene.stage.device(user);
      await laptop.deleteSession(session);
      const online = await opened(scene.hub.url);
      await vi.waitFor(() => expect(online.refused).toEqual(["message.edit", "not_found"]), PATIENT);
      expect(online.edits.of(said.id)).toBe("pears");
      await laptop.restoreSession(session);
      await vi.waitFor(() => expect(rows(online)[0]).toBe("apples: sent"), PATIENT);
      expect([online.edits.of(said.id), online.lost]).toEqual(["pears", []]);
      await laptop.delete(said.id);
      await vi.waitFor(() => expect(online.lost).toEqual(["pears"]), PATIENT);
      expect(online.edits.of(said.id)).toBeNull();
    });

    it("of a message that was deleted meanwhile are handed back", async () => {
      const page = await loaded(NOWHERE);
      const [said] = page.chat.messages;
      if (said === undefined) throw new Error("It is kept.");
      void page.chat.edit(said, "pears");
      left(page);
      await scene.stage.device(user).delete(said.id);
      const online = await opened(scene.hub.url);
      await vi.waitFor(() => expect(online.lost).toEqual(["pears"]), PATIENT);
      expect(online.edits.of(said.id)).toBeNull();
    });

    it("that say what the message says are not kept", async () => {
      const page = await loaded(NOWHERE);
      const [said] = page.chat.messages;
      if (said === undefined) throw new Error("It is kept.");
      const store = await openStore(user);
      const kept = async () => [...(await store.drafts()).values()].map(({ text }) => text);
      page.chat.beginEdit(said);
      page.drafts.saveAll();
      expect([page.edits.of(said.id), await kept()]).toEqual(["apples", []]);
      page.edits.write(said.id, "apple", said.text);
      page.drafts.saveAll();
      await vi.waitFor(async () => expect(await kept()).toEqual(["apple"]));
      page.edits.write(said.id, "apples", said.text);
      page.drafts.saveAll();
      await vi.waitFor(async () => expect(await kept()).toEqual([]));
      expect(page.edits.of(said.id)).toBe("apples");
    });

    it("are not ended by another tab while somebody writes", async () => {
      const [one, other] = [await loaded(NOWHERE), await loaded(NOWHERE)];
      const [said] = one.chat.messages;
      if (said === undefined) throw new Error("It is kept.");
      for (const goesOnWith of ["apples and pe", null]) {
        one.edits.write(said.id, "apples and pe", said.text);
        await vi.waitFor(() => expect(other.edits.of(said.id)).toBe("apples and pe"));
        if (goesOnWith === null) one.edits.pause(said.id);
        other.edits.giveUp(said.id);
        const after = freshId();
        other.edits.write(after, "heard after that", "");
        await vi.waitFor(() => expect(one.edits.of(after)).toBe("heard after that"));
        expect(one.edits.of(said.id)).toBe(goesOnWith);
      }
    });

    it("that are not saved are there when one comes back, and gone when they are given up or done", async () => {
      const page = await loaded(NOWHERE);
      const [said] = page.chat.messages;
      if (said === undefined) throw new Error("It is kept.");
      page.edits.write(said.id, "apples and pe", said.text);
      left(page);
      const again = await loaded(scene.hub.url);
      await vi.waitFor(() => expect(again.edits.of(said.id)).toBe("apples and pe"));
      expect(await again.chat.edit(said, "apples and pears")).toBe(true);
      left(again);
      const last = await loaded(scene.hub.url);
      await vi.waitFor(() => expect(rows(last)[0]).toBe("apples and pears: sent"), PATIENT);
      expect(last.edits.of(said.id)).toBeNull();
    });
  },
);
