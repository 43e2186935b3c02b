// @vitest-environment node
// Several tabs of one browser and a real hub: one of them speaks for all, and whoever goes takes nothing with it.

import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openStore, type Device } from "../../src/lib/client";
import { hasHub, Hub, Provider } from "./hub";
import { Locks } from "./locks";
import { inStep, Stage, until } from "./stage";

const NOWHERE = "http://127.0.0.1:9";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 }); // a database is made, on whatever machine this is

describe.skipIf(!hasHub)("tabs (they need the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)", () => {
  const provider = new Provider();
  let hub: Hub;
  let stage: Stage;

  beforeAll(async () => {
    hub = new Hub(await provider.listen());
    await hub.start();
    stage = new Stage(hub.url);
  });

  beforeEach(() => {
    vi.stubGlobal("navigator", { locks: new Locks() });
  });

  afterEach(() => {
    stage.close();
    vi.unstubAllGlobals();
  });

  afterAll(async () => {
    await hub.close();
    provider.close();
  });

  async function tab(user: string, url = hub.url): Promise<Device> {
    return stage.device(user, { store: await openStore(user), url });
  }

  function said(device: Device, session: string): string[] {
    return device.timeline
      .shownMessages(session)
      .flatMap((row) => (row.type === "user" ? [row.content] : []));
  }

  it("have one that speaks for all, and tells the others what came of it", async () => {
    const [first, second] = [await tab("ada"), await tab("ada")];
    await Promise.all([until(first, () => first.isSender), inStep(first), inStep(second)]);
    expect(second.isSender).toBe(false);
    const session = await second.createSession({ title: "From the second" });
    await Promise.all([first.open(session.id), second.open(session.id)]);
    const [one, two] = await Promise.all([second.send(session.id, "one"), first.send(session.id, "two")]);
    expect([one.position, two.position].sort()).toEqual([1, 3]);
    for (const each of [first, second]) {
      await until(each, () => said(each, session.id).length === 2 && each.pendingSends().length === 0);
    }
    await expect(second.send("00000000-0000-4000-8000-000000000000", "lost")).rejects.toThrow();
    for (const each of [first, second])
      expect(each.pendingSends()).toMatchObject([{ content: "lost", state: "failed" }]);
    second.forget(second.pendingSends()[0]?.message ?? "");
    await until(first, () => first.pendingSends().length === 0);
    second.disconnect();
    expect(first.isSender).toBe(true);
  });

  it("show what was changed in any of them, until it is done", async () => {
    const [one, two] = [await tab("cleo"), await tab("cleo", NOWHERE)];
    const session = await one.createSession({ title: "Pho" });
    const renaming = two.updateSession(session.id, { title: "Broth" });
    await until(one, () => one.pendingChanges().some(({ change }) => change.type === "session.update"));
    await renaming;
    await until(one, () => one.pendingChanges().length === 0);
    expect(one.timeline.sessions.get(session.id)?.title).toBe("Broth");
  });

  it("go on when the one that spoke is closed", async () => {
    const [first, second] = [await tab("bea"), await tab("bea")];
    await Promise.all([until(first, () => first.isSender), inStep(second)]);
    first.disconnect();
    await until(second, () => second.isSender);
    const session = await second.createSession();
    expect((await second.send(session.id, "still here")).position).toBe(1);
  });

  it("speak each for itself where the browser denies locks", async () => {
    const denied = () => Promise.reject(new DOMException("denied", "SecurityError"));
    vi.stubGlobal("navigator", { locks: { request: denied } });
    const alone = await tab("dora");
    await until(alone, () => alone.isSender);
    const session = await alone.createSession();
    expect((await alone.send(session.id, "one")).position).toBe(1);
  });

  it("do not wait for one that has no connection", async () => {
    const asleep = await tab("cleo", NOWHERE);
    await until(asleep, () => asleep.isSender);
    const awake = await tab("cleo");
    await inStep(awake);
    const session = await awake.createSession();
    expect([asleep.isSender, awake.isSender]).toEqual([false, true]);
    const fromAsleep = asleep.send(session.id, "by the other");
    expect((await fromAsleep).position).toBe(1);
  });

  it("leave when one of them has signed out, and keep nothing", async () => {
    const store = await openStore("edda");
    const leaving = stage.device("edda", { store });
    const other = await tab("edda");
    await Promise.all([inStep(leaving), inStep(other)]);
    await other.createSession({ title: "secret" });
    const ended = new Promise((resolve) => other.on((each) => each.type === "ended" && resolve(each.error)));
    leaving.disconnect();
    await store.clear();
    expect(await ended).toMatchObject({ code: 4507, reason: "signed out in another tab" });
    expect((await openStore("edda")).list).toBeNull();
  });

  it("leave what was said in a closed tab to the next, which says it once", async () => {
    const [one, two] = [await tab("dora", NOWHERE), await tab("dora", NOWHERE)];
    const session = "00000000-0000-4000-8000-00000000d0a0";
    for (const said of [
      one.createSession({ session }),
      two.send(session, "first"),
      one.send(session, "second"),
    ]) {
      said.catch(() => undefined);
    }
    await until(one, () => one.pendingSends().length === 2);
    await until(two, () => two.pendingSends().length === 2);
    one.disconnect();
    two.disconnect();
    const [later, another] = [await tab("dora"), await tab("dora")];
    await Promise.all([later, another].map((each) => inStep(each)));
    await until(later, () => later.pendingSends().length === 0);
    await later.open(session);
    expect(said(later, session).sort()).toEqual(["first", "second"]);
    await later.open(session);
    expect(later.timeline.shownMessages(session)).toHaveLength(4);
  });
});
