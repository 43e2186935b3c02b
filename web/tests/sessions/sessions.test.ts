// @vitest-environment node
// The session list and a real hub: shown at once, taken back if refused, the same on all devices.

import { describe, expect, it, vi } from "vitest";
import type { CommandRefused, Device, Session } from "../../src/lib/client";
import { isUnread } from "../../src/lib/sessions/marks";
import { SessionStore } from "../../src/lib/sessions/sessions.svelte";
import { hasHub } from "../client/hub";
import { inStep } from "../client/stage";
import { Scene } from "../chat/scene";

const WITHIN = { timeout: 8_000, interval: 20 };

/** What a store has told, for a look. */
class Heard {
  readonly refusals: string[] = [];
  readonly ways: (() => void)[] = [];

  refused({ problem }: CommandRefused): void {
    this.refusals.push(problem.code);
  }

  notRestored(): void {
    this.refusals.push("nothing to restore");
  }

  removed(_: Session, undo: () => void): void {
    this.ways.push(undo);
  }
}

describe.skipIf(!hasHub)(
  "the session list (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const scene = new Scene();

    const titles = (store: SessionStore) => store.sessions.map((row) => row.title);

    async function opened(user: string, isInStep = true) {
      const device: Device = scene.stage.device(user);
      const heard = new Heard();
      const store = new SessionStore(device, heard);
      scene.leaving.push(store.start());
      if (isInStep) await inStep(device);
      return { device, heard, store };
    }

    it("shows a new session before there is a connection, and has it once when there is", async () => {
      const { device, store } = await opened("early", false);
      const id = store.create({ title: "Pho" });
      expect(titles(store)).toEqual(["Pho"]);
      await inStep(device);
      await vi.waitFor(() => expect(device.timeline.sessions.get(id)?.seq).toBeGreaterThan(0), WITHIN);
      await vi.waitFor(
        () => expect(store.sessions.map((row) => [row.id, row.seq > 0])).toEqual([[id, true]]),
        WITHIN,
      );
    });

    it("follows what another device does: create, rename, delete, and undo", async () => {
      const [phone, laptop] = [await opened("ada"), await opened("ada")];
      phone.store.create({ title: "Broth" });
      await vi.waitFor(() => expect(titles(laptop.store)).toEqual(["Broth"]), WITHIN);
      const [row] = laptop.store.sessions;
      if (row === undefined) throw new Error("It is shown.");
      const renaming = laptop.store.rename(row, "Stock");
      expect(titles(laptop.store)).toEqual(["Stock"]);
      await renaming;
      await vi.waitFor(() => expect(titles(phone.store)).toEqual(["Stock"]), WITHIN);
      const deleting = phone.store.delete(row);
      expect(titles(phone.store)).toEqual([]);
      await deleting;
      await vi.waitFor(
        () => expect([titles(laptop.store), laptop.store.isDeleted(row.id)]).toEqual([[], true]),
        WITHIN,
      );
      phone.heard.ways[0]?.();
      expect(phone.store.sessions).toHaveLength(1);
      await vi.waitFor(() => expect(titles(laptop.store)).toEqual(["Stock"]), WITHIN);
    });

    it("takes back what the hub refuses, and tells", async () => {
      const { device, heard, store } = await opened("bea");
      const row = await device.createSession({ title: "Short" });
      await vi.waitFor(() => expect(titles(store)).toEqual(["Short"]), WITHIN);
      const renaming = store.rename(row, "x".repeat(501));
      expect(titles(store)[0]).toHaveLength(501);
      await renaming;
      expect([titles(store), heard.refusals]).toEqual([["Short"], ["invalid"]]);
    });

    it("brings back what it does not know of, and tells when there is nothing to bring back", async () => {
      const { device } = await opened("gus");
      const { id } = await device.createSession({ title: "Pho" });
      await device.deleteSession(id);
      const { heard, store } = await opened("gus");
      expect(store.isDeleted(id)).toBe(false);
      await store.restore(id);
      await vi.waitFor(() => expect(titles(store)).toEqual(["Pho"]), WITHIN);
      await store.restore("00000000-0000-4000-8000-000000000001");
      expect(heard.refusals).toEqual(["nothing to restore"]);
    });

    it("marks on all devices what is answered, then what nobody has read, until one has", async () => {
      scene.provider.on("why?", ["because ", null, "so"]);
      const [phone, laptop] = [await opened("cid"), await opened("cid")];
      const id = phone.store.create();
      await phone.device.send(id, "why?");
      await vi.waitFor(() => expect(laptop.store.answering).toEqual(new Set([id])), WITHIN);
      const late = await opened("cid");
      await vi.waitFor(() => expect(late.store.answering).toEqual(new Set([id])), WITHIN);
      scene.provider.release();
      for (const { store } of [laptop, late])
        await vi.waitFor(() => expect([store.answering.size, store.unreadCount]).toEqual([0, 1]), WITHIN);
      await phone.device.markRead(id, phone.device.timeline.seq);
      await vi.waitFor(
        () => expect([laptop.store.unreadCount, late.store.unreadCount]).toEqual([0, 0]),
        WITHIN,
      );
      const [read] = laptop.store.sessions;
      if (read === undefined) throw new Error("It is shown.");
      await laptop.store.rename(read, "Why");
      await vi.waitFor(() => expect(late.store.sessions[0]?.title).toBe("Why"), WITHIN);
      await vi.waitFor(() => expect(late.store.sessions.some(isUnread)).toBe(false), WITHIN);
    });

    it("goes on to earlier sessions page by page, until there are no more", async () => {
      const { device } = await opened("dan");
      await Promise.all(
        Array.from({ length: 55 }, (_, place) => device.createSession({ title: `${place}` })),
      );
      const { store } = await opened("dan");
      await vi.waitFor(() => expect(store.sessions).toHaveLength(50), WITHIN);
      expect([store.loading, store.hasOlder]).toEqual([false, true]);
      await store.loadOlder();
      expect(store.sessions).toHaveLength(55);
      await store.loadOlder();
      expect(store.hasOlder).toBe(false);
    });

    it("filters as one types, and asks the hub once, for what was typed last", async () => {
      const { device, store } = await opened("eva");
      const session = await device.createSession({ title: "Trees" });
      await device.createSession({ title: "Stones" });
      const sent = await device.send(session.id, "do beeches grow in Norway?");
      await vi.waitFor(() => expect(store.sessions).toHaveLength(2), WITHIN);
      store.searchQuery = "sto";
      expect(store.filteredSessions.map((row) => row.title)).toEqual(["Stones"]);
      store.searchQuery = "beeches norw";
      await vi.waitFor(() => expect(store.search.phase).toBe("done"), WITHIN);
      expect(store.search.hits.map((hit) => hit.session.id)).toEqual([session.id]);
      expect([sent.message, sent.reply]).toContain(store.search.hits[0]?.message);
      expect(store.search.similar).toEqual([]);
      store.searchQuery = "beeches noway";
      await vi.waitFor(() => expect(store.search.similar).toEqual(["norway"]), WITHIN);
      expect(store.search.hits.map((hit) => hit.session.id)).toEqual([session.id]);
      store.searchQuery = "";
      expect([store.search.phase, store.search.hits, store.filteredSessions.length]).toEqual(["idle", [], 2]);
      expect(store.search.similar).toEqual([]);
    });

    it("has a current session: the one that is shown, also below the list's end", async () => {
      const { device, store } = await opened("fay");
      const row = await device.createSession({ title: "Here" });
      store.selectedSessionId = row.id;
      await vi.waitFor(() => expect(store.currentSession?.title).toBe("Here"), WITHIN);
      store.selectedSessionId = "00000000-0000-4000-8000-000000000001";
      expect(store.currentSession).toBeNull();
    });
  },
);
