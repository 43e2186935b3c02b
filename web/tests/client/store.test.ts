// @vitest-environment node
// What is kept on this machine; here by an IndexedDB in memory, in a real browser by the browser's own.

import { IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStore } from "../../src/lib/client";
import type { Entry } from "../../src/lib/client/outbox";
import type { KeptList } from "../../src/lib/client/store";

const LIST: KeptList = { epoch: "e", seq: 7, sessions: [], oldest: null, older: null };

function entry(id: string, order: number): Entry {
  return {
    id,
    order,
    state: "queued",
    command: { type: "message.send", session: "s", message: id, content: id },
  };
}

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a store", () => {
  it("has after a reload what was kept before it", async () => {
    const store = await openStore("ada");
    await store.keepList(LIST);
    for (const [id, order] of [
      ["b", 2],
      ["a", 1],
      ["c", 3],
    ] as const)
      await store.writeEntry(entry(id, order));
    await store.strikeEntry("c");
    await store.keepMessages("s", { messages: [], replies: [], at: 5 });
    await store.keepDraft("s", { text: "half a sent", at: 1 });
    const again = await openStore("ada");
    expect(again.isKept).toBe(true);
    expect(again.list).toEqual(LIST);
    expect(again.entries).toEqual([entry("a", 1), entry("b", 2)]);
    expect(await again.messages("s")).toEqual({ messages: [], replies: [], at: 5 });
    expect(await again.draft("s")).toEqual({ text: "half a sent", at: 1 });
    expect((await again.drafts()).size).toBe(1);
  });

  it("has nothing of another user's", async () => {
    await (await openStore("ada")).keepDraft("s", { text: "mine", at: 1 });
    expect(await (await openStore("bea")).draft("s")).toBeNull();
  });

  it("keeps a draft, and that there is none, without looking first: the page may be about to go", async () => {
    const store = await openStore("ada");
    const look = vi.spyOn(IDBObjectStore.prototype, "get").mockImplementation(() => refuse("AbortError"));
    await store.keepDraft("s", { text: "in the last moment", at: 1 });
    await store.keepDraft("t", { text: "sent in the last moment", at: 1 });
    await store.keepDraft("t", null);
    look.mockRestore();
    const again = await openStore("ada");
    expect(await again.drafts()).toEqual(new Map([["s", { text: "in the last moment", at: 1 }]]));
  });

  it("forgets everything when it is cleared, and keeps nothing after that", async () => {
    const store = await openStore("ada");
    await store.keepList(LIST);
    await store.writeEntry(entry("a", 1));
    await store.keepDraft("s", { text: "secret", at: 1 });
    await store.clear();
    await store.keepList(LIST);
    await store.writeEntry(entry("b", 2));
    await store.keepDraft("s", { text: "late", at: 2 });
    const again = await openStore("ada");
    expect([again.list, again.entries, await again.draft("s")]).toEqual([null, [], null]);
  });

  it("keeps the messages of the sessions that were read last", async () => {
    const store = await openStore("ada");
    for (let at = 0; at < 53; at++) await store.keepMessages(`s${at}`, { messages: [], replies: [], at });
    await store.tidy();
    expect(await store.messages("s2")).toBeNull();
    expect(await store.messages("s3")).not.toBeNull();
  });

  it.each([
    ["is not there", undefined],
    ["may not be opened", { open: () => refuse("SecurityError") }],
  ])("remembers until the page is closed where storage %s, and says so", async (_, storage) => {
    vi.stubGlobal("indexedDB", storage);
    const store = await openStore("ada");
    expect(store.isKept).toBe(false);
    await store.writeEntry(entry("a", 1));
    await store.keepDraft("s", { text: "kept in mind", at: 1 });
    expect(await store.readEntries()).toEqual([entry("a", 1)]);
    expect(await store.draft("s")).toEqual({ text: "kept in mind", at: 1 });
    await store.clear();
    expect(await store.draft("s")).toBeNull();
  });

  it("throws away what can be read again, before it gives up what somebody wrote", async () => {
    const store = await openStore("ada");
    await store.keepList(LIST);
    await store.keepMessages("s", { messages: [], replies: [], at: 1 });
    let room = 0;
    const clear = vi.spyOn(IDBObjectStore.prototype, "clear").mockImplementation(function (
      this: IDBObjectStore,
    ) {
      room = 1;
      clear.mockRestore();
      return this.clear();
    });
    const put = IDBObjectStore.prototype.put;
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, value, key) {
      return room > 0 ? put.call(this, value, key) : refuse("QuotaExceededError");
    });
    await store.writeEntry(entry("a", 1));
    expect(store.isKept).toBe(true);
    expect((await openStore("ada")).entries).toEqual([entry("a", 1)]);
    expect(await store.messages("s")).toBeNull();
  });

  it("remembers what does not fit, and writes it down once there is room", async () => {
    const store = await openStore("ada");
    const full = vi
      .spyOn(IDBObjectStore.prototype, "put")
      .mockImplementation(() => refuse("QuotaExceededError"));
    const told = vi.fn();
    store.onFull = told;
    await store.writeEntry(entry("a", 1));
    await store.keepDraft("s", { text: "one", at: 1 });
    expect([store.isKept, told.mock.calls.length]).toEqual([false, 1]);
    expect(await store.readEntries()).toEqual([entry("a", 1)]);
    full.mockRestore();
    await store.keepDraft("s", { text: "two", at: 2 });
    await store.strikeEntry("a");
    expect(store.isKept).toBe(true);
    expect(await (await openStore("ada")).draft("s")).toEqual({ text: "two", at: 2 });
  });
});

function refuse(name: string): never {
  throw new DOMException("not here", name);
}
