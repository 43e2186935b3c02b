// @vitest-environment node
// Devices and a real hub: what is said is done once, and what is shown is what the hub has, whatever happens between.

import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { CommandRefused, ConnectionLost, freshId, GaveUp, openStore, Rest } from "../../src/lib/client";
import { hasHub, Hub, Provider } from "./hub";
import { inStep, settled, shows, Stage, until } from "./stage";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 }); // a database is made, on whatever machine this is

describe.skipIf(!hasHub)("a device (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)", () => {
  const provider = new Provider();
  let hub: Hub;
  let stage: Stage;

  beforeAll(async () => {
    hub = new Hub(await provider.listen(), { TUTORHUB_TURN_PENDING: "3" });
    await hub.start();
    stage = new Stage(hub.url);
  });

  afterEach(() => stage.close());

  afterAll(async () => {
    await hub.close();
    provider.close();
  });

  it("sees the answer stream, and so does another one", async () => {
    provider.on("what is four?", ["two ", null, "and two"]);
    const [phone, laptop] = [stage.device("ada"), stage.device("ada")];
    await inStep(laptop);
    const session = await phone.createSession({ title: "Numbers" });
    await until(laptop, () => laptop.timeline.sessions.has(session.id));
    await Promise.all([phone.open(session.id), laptop.open(session.id)]);
    const sent = await phone.send(session.id, "what is four?");
    expect(phone.timeline.seq).toBeGreaterThanOrEqual(sent.seq);
    await Promise.all([phone, laptop].map((each) => until(each, () => shows(each, sent.reply) === "two ")));
    provider.release();
    expect(await settled(phone, sent.reply)).toMatchObject({ content: "two and two", status: "complete" });
    await settled(laptop, sent.reply);
    expect(laptop.timeline.shownMessages(session.id)).toEqual(phone.timeline.shownMessages(session.id));
  });

  it("does everything that can be asked of it", async () => {
    const device = stage.device("bea");
    const session = await device.createSession({ title: "All of it", mode: "learn", language: "de" });
    expect(session).toMatchObject({ title: "All of it", mode: "learn", language: "de" });
    await device.open(session.id);
    const sent = await device.send(session.id, "apples and pears");
    await settled(device, sent.reply);
    expect((await device.search("apples pea")).hits.map((hit) => hit.session.id)).toEqual([session.id]);
    const again = await device.retry(sent.reply);
    expect((await settled(device, again.id)).content).toBe("APPLES AND PEARS");
    expect((await device.markRead(session.id, sent.seq)).readSeq).toBe(sent.seq);
    expect((await device.edit(sent.message, "plums")).content).toBe("plums");
    expect((await device.updateSession(session.id, { mode: "fun" })).mode).toBe("fun");
    await device.delete(sent.message);
    expect(device.timeline.shownMessages(session.id).map((row) => row.id)).not.toContain(sent.message);
    await device.deleteSession(session.id);
    expect(device.timeline.shownSessions()).toEqual([]);
    expect((await device.restoreSession(session.id)).title).toBe("All of it");
    expect(device.timeline.shownSessions().map((row) => row.id)).toEqual([session.id]);
    await device.close(session.id);
    expect(device.timeline.messages.size).toBe(0);
  });

  it("reads older pages down to the first message", async () => {
    const device = stage.device("cleo");
    const session = await device.createSession();
    for (const text of ["one", "two", "three"]) await device.send(session.id, text);
    expect((await device.open(session.id, { limit: 2 })).messages.map((row) => row.position)).toEqual([5, 6]);
    await Promise.all([device.openOlder(session.id), device.openOlder(session.id)]);
    while (await device.openOlder(session.id));
    expect(device.timeline.shownMessages(session.id).map((row) => row.position)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await device.listOlder()).toBe(false);
  });

  it("stops a reply of another device, which keeps what was seen of it", async () => {
    provider.on("talk", ["so far ", null, "never said"]);
    const [phone, laptop] = [stage.device("dora"), stage.device("dora")];
    const session = await phone.createSession();
    await Promise.all([phone.open(session.id), laptop.open(session.id)]);
    const sent = await phone.send(session.id, "talk");
    await until(laptop, () => shows(laptop, sent.reply) === "so far ");
    expect(await laptop.stop(sent.reply)).toMatchObject({ status: "stopped", content: "so far " });
    expect(await settled(phone, sent.reply)).toMatchObject({ status: "stopped", content: "so far " });
    provider.release();
  });

  it("shows who is typing on another device", async () => {
    const [phone, laptop] = [
      stage.device("edda"),
      stage.device("edda", { who: { id: "laptop", name: "Laptop" } }),
    ];
    const session = await phone.createSession();
    await Promise.all([phone.open(session.id), laptop.open(session.id)]);
    laptop.typing(session.id, true);
    await until(phone, () =>
      phone.timeline.typingIn(session.id, performance.now() / 1000).includes("Laptop"),
    );
    laptop.typing(session.id, false);
    await until(phone, () => phone.timeline.typingIn(session.id, performance.now() / 1000).length === 0);
  });

  it("keeps the text of a send that is refused, until it is said again", async () => {
    const device = stage.device("fay");
    const session = freshId();
    await expect(device.send(session, "to nowhere")).rejects.toBeInstanceOf(CommandRefused);
    const [failed] = device.pendingSends(session);
    expect(failed).toMatchObject({ content: "to nowhere", state: "failed", problem: { code: "not_found" } });
    await device.createSession({ session });
    await device.send(session, "to nowhere", { message: failed?.message });
    expect(device.pendingSends()).toEqual([]);
  });

  it("goes on with an answer after the hub was killed in the middle of it, and started again", async () => {
    provider.on("count", ["one ", "two ", null], ["one ", "two ", "three"]);
    const device = stage.device("gwen");
    const session = await device.createSession();
    await device.open(session.id);
    const sent = await device.send(session.id, "count");
    await until(device, () => shows(device, sent.reply) === "one two ");
    await hub.kill();
    await until(device, () => device.state === "away");
    expect(shows(device, sent.reply)).toBe("one two ");
    const unheard = device.send(session.id, "said while it was away");
    await expect(device.retry(sent.reply)).rejects.toBeInstanceOf(ConnectionLost);
    await hub.start();
    device.retryNow();
    expect(await settled(device, sent.reply)).toMatchObject({ content: "one two three", status: "complete" });
    expect((await unheard).position).toBe(3);
    provider.release();
  });

  it("delivers once, after a reload, what was written without a connection", async () => {
    const store = await openStore("hope");
    const before = stage.device("hope", { store });
    const session = await before.createSession({ title: "Cellar" });
    before.disconnect();
    const offline = stage.device("hope", { store, url: "http://127.0.0.1:9" });
    const lost = [offline.send(session.id, "first"), offline.send(session.id, "second")];
    expect(offline.pendingSends(session.id).map((each) => each.state)).toEqual(["queued", "queued"]);
    offline.disconnect();
    for (const each of lost) await expect(each).rejects.toBeInstanceOf(ConnectionLost);

    const [one, other] = [0, 0].map(() => openStore("hope"));
    const devices = [await one, await other].map((each) => stage.device("hope", { store: each }));
    const contents = (device = devices[0]) =>
      device?.timeline.shownMessages(session.id).flatMap((row) => (row.type === "user" ? [row.content] : []));
    await Promise.all(devices.map((device) => device.open(session.id)));
    await Promise.all(devices.map((device) => until(device, () => device.pendingSends().length === 0)));
    for (const device of devices) {
      await until(device, () => contents(device)?.length === 2);
      expect(contents(device)).toEqual(["first", "second"]);
    }
  });

  it("shows what was kept when it starts without a connection, and resumes from there", async () => {
    const store = await openStore("ines");
    const before = stage.device("ines", { store });
    const session = await before.createSession({ title: "Trip" });
    await before.open(session.id);
    const sent = await before.send(session.id, "read me on the train");
    await settled(before, sent.reply);
    before.disconnect();

    const kept = await openStore("ines");
    const train = stage.device("ines", { store: kept, url: "http://127.0.0.1:9" });
    expect(train.timeline.shownSessions().map((row) => row.title)).toEqual(["Trip"]);
    train.open(session.id).catch(() => undefined);
    await until(train, () => shows(train, sent.reply) === "READ ME ON THE TRAIN");
    train.disconnect();

    const elsewhere = stage.device("ines");
    await elsewhere.delete(sent.message);
    await elsewhere.updateSession(session.id, { title: "Journey" });
    const events: string[] = [];
    const home = stage.device("ines", { store: await openStore("ines") });
    home.on((happening) => happening.type === "event" && events.push(happening.event.type));
    await home.open(session.id);
    expect(events.filter((type) => type === "snapshot" || type === "changes")).toEqual(["changes"]);
    expect(home.timeline.shownSessions().map((row) => row.title)).toEqual(["Journey"]);
    expect(home.timeline.shownMessages(session.id).map((row) => row.id)).toEqual([sent.reply]);
  });

  it("shows what was kept also while it is connected, until the hub has answered", async () => {
    const store = await openStore("nora");
    const device = stage.device("nora", { store });
    const session = await device.createSession();
    await device.open(session.id);
    const sent = await device.send(session.id, "keep this");
    await settled(device, sent.reply);
    await device.close(session.id);
    expect(device.timeline.shownMessages(session.id)).toEqual([]);
    await vi.waitFor(async () => expect((await store.messages(session.id))?.messages).toHaveLength(2));
    // IndexedDB answers before the hub does: also where the hub's page is long in coming.
    hub.pause();
    try {
      const page = device.open(session.id);
      await until(device, () => shows(device, sent.reply) === "KEEP THIS");
      expect(device.state).toBe("in_step");
      hub.resume();
      expect((await page).messages).toHaveLength(2);
    } finally {
      hub.resume();
    }
    expect(device.timeline.shownMessages(session.id)).toHaveLength(2);
  });

  it("keeps a reply as far as it is written", async () => {
    provider.on("tell", ["one ", null, "two ", null, "three"]);
    const store = await openStore("olga");
    const device = stage.device("olga", { store });
    const session = await device.createSession();
    await device.open(session.id);
    const sent = await device.send(session.id, "tell");
    const kept = async () => (await store.messages(session.id))?.replies.map((reply) => reply.text);
    for (const text of ["one ", "one two "]) {
      await until(device, () => shows(device, sent.reply) === text);
      await vi.waitFor(async () => expect(await kept()).toEqual([text]), { timeout: 5_000 });
      await provider.held();
      provider.release();
    }
    await settled(device, sent.reply);
  });

  it("does not open again what was opened and closed without a connection", async () => {
    const device = stage.device("pia");
    const [left, stays] = [await device.createSession(), await device.createSession()];
    await hub.kill();
    await until(device, () => device.state === "away");
    const pages = [device.open(left.id), device.open(stays.id)];
    const closed = device.close(left.id);
    await hub.start();
    device.retryNow();
    await Promise.all([...pages, closed]);
    expect([...device.timeline.opened.keys()]).toEqual([stays.id]);
  }, 60_000);

  it("has a send that the hub cannot take now wait until it can, and what follows it behind it", async () => {
    provider.on("slowly", ["one ", null, "two"]);
    const device = stage.device("lena");
    const session = await device.createSession();
    await device.open(session.id);
    const refused: string[] = [];
    device.on((each) => {
      if (each.type === "event" && each.event.type === "refused") refused.push(each.event.code);
    });
    const texts = ["slowly", "b", "c", "d", "e"];
    const sends = texts.map((text) => device.send(session.id, text));
    await Promise.all(sends.slice(0, 3));
    await provider.held();
    await until(device, () => refused.length > 0);
    const states = device.pendingSends().map((each) => each.state);
    expect([states.includes("postponed"), states.includes("failed")]).toEqual([true, false]);
    provider.release();
    await Promise.all(sends);
    const said = device.timeline.shownMessages(session.id).filter((row) => row.type === "user");
    expect(said.map((row) => row.content).sort()).toEqual([...texts].sort());
    expect(new Set(refused)).toEqual(new Set(["too_many_pending"]));
  });

  it("tells a hub that has lost its database again what it was told lately", async () => {
    const device = stage.device("mona");
    const session = await device.createSession({ title: "Remember" });
    await device.open(session.id);
    const sent = await device.send(session.id, "do not forget");
    await settled(device, sent.reply);
    const { epoch } = device.timeline;
    await hub.lose();
    device.retryNow();
    await until(
      device,
      () => device.timeline.epoch !== epoch && shows(device, sent.message) === "do not forget",
    );
    expect(device.timeline.sessions.get(session.id)?.title).toBe("Remember");
    expect(device.timeline.shownMessages(session.id)).toHaveLength(2);
  }, 60_000);

  it("ends when the user has signed out, and says so to whoever waits", async () => {
    const device = stage.device("jo");
    await inStep(device);
    const { token } = await new Rest(hub.url, async () => "").devSignIn("jo");
    const ended = new Promise((resolve) => device.on((each) => each.type === "ended" && resolve(each.error)));
    await new Rest(hub.url, async () => token).signOut({ everywhere: true });
    expect(await ended).toBeInstanceOf(GaveUp);
    expect(await ended).toMatchObject({ code: 4507 });
    expect(device.state).toBe("ended");
    await expect(device.createSession()).rejects.toBeInstanceOf(GaveUp);
  });

  it("is refused in the words of the hub over HTTP, too", async () => {
    const { token } = await new Rest(hub.url, async () => "").devSignIn("kim");
    const rest = new Rest(hub.url, async () => token);
    await expect(rest.links(freshId())).rejects.toMatchObject({ problem: { code: "not_found" } });
    await expect(new Rest("http://127.0.0.1:9", async () => "").devices()).rejects.toBeInstanceOf(
      ConnectionLost,
    );
    const device = stage.device("kim", { who: { id: "phone", name: "Phone" } });
    await inStep(device);
    const names = async () => (await rest.devices()).devices.map((each) => each.name);
    await vi.waitFor(async () => expect(await names()).toEqual(["Phone"]), { timeout: 10_000 });
  });
});
