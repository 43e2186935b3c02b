// @vitest-environment node
// The chat and a real hub: what is done in it, and what it shows of what is done elsewhere (chatStore of the design).

import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { type Device, freshId } from "../../src/lib/client";
import { hasHub } from "../client/hub";
import { inStep, until } from "../client/stage";
import { PATIENT, rowOf, say, shows, stands, texts, Talk } from "./talk";

describe.skipIf(!hasHub)("a chat (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)", () => {
  const talk = new Talk();

  it("shows what is sent at once, and the answer as it is written, each in a row that stays", async () => {
    talk.provider.on("what is four?", [null, "two ", null, "and two"]);
    const { chat } = await talk.begun();
    expect(say(chat, "  what is four?  ")).toBe(true);
    expect([texts(chat), chat.currentMessage]).toEqual([["what is four?"], ""]);
    const [sent] = chat.messages;
    await stands(chat, "sent", "thinking");
    expect([chat.messages[0], chat.isTyping, chat.lastReply]).toEqual([sent, true, null]);
    await talk.provider.held();
    talk.provider.release();
    await shows(chat, "what is four?", "two ");
    const { messages } = chat;
    expect(messages[1]?.standing).toBe("writing");
    await talk.provider.held();
    talk.provider.release();
    await stands(chat, "sent", "answered");
    expect([texts(chat)[1], chat.messages, chat.isTyping]).toEqual(["two and two", messages, false]);
    expect(chat.lastReply).toBe(messages[1]?.id);
  });

  it("changes mode and language on all devices", async () => {
    const { chat } = await talk.begun();
    const other = await talk.chatOf(talk.stage.device(talk.user), chat.session);
    expect([other.mode, other.language]).toEqual(["fun", "en"]);
    await chat.useMode("learn");
    await chat.useLanguage("de");
    await vi.waitFor(() => expect([other.mode, other.language]).toEqual(["learn", "de"]), PATIENT);
  });

  it("stops the answer, and has it written anew", async () => {
    talk.provider.on("count", ["one ", null, "two"], ["one two three"]);
    const { chat } = await talk.begun();
    say(chat, "count");
    await shows(chat, "count", "one ");
    await chat.stop();
    await stands(chat, "sent", "stopped");
    expect([texts(chat)[1], chat.announcer.said]).toEqual(["one ", { kind: "stopped", text: "one" }]);
    await chat.retry(chat.lastReply ?? "");
    await shows(chat, "count", "one two three");
    await stands(chat, "sent", "answered");
    talk.provider.release();
  });

  it("asks for an answer anew once, however often that is said meanwhile", async () => {
    const { chat } = await talk.begun();
    say(chat, "apples");
    await stands(chat, "sent", "answered");
    const reply = chat.lastReply ?? "";
    const asked = [chat.retry(reply), chat.retry(reply)];
    expect(chat.isRetrying).toBe(true);
    await Promise.all(asked);
    expect([chat.isRetrying, chat.notice]).toEqual([false, null]);
    await stands(chat, "sent", "answered");
  });

  it("can be asked again after a fault of its own", async () => {
    const { chat, device } = await talk.begun();
    const fault = new TypeError("a fault of ours");
    device.retry = () => Promise.reject(fault);
    device.openOlder = () => Promise.reject(fault);
    await expect(chat.retry(freshId())).rejects.toBe(fault);
    chat.history.hasOlder = true;
    await expect(chat.history.loadOlder()).rejects.toBe(fault);
    expect([chat.isRetrying, chat.history.isLoadingOlder]).toEqual([false, false]);
  });

  it("knows of an answer until it is deleted, or about to be", async () => {
    const { chat } = await talk.begun();
    say(chat, "apples");
    await stands(chat, "sent", "answered");
    const [row, reply] = chat.messages;
    if (row === undefined || reply === undefined) throw new Error("They are shown.");
    expect(chat.answerTo(row)).toBe(reply);
    chat.delete(reply);
    expect(chat.answerTo(row)).toBeUndefined();
    await chat.deletions.finishAll();
    await shows(chat, "apples");
    expect(chat.answerTo(row)).toBeUndefined();
  });

  it("edits a message, and has it answered anew", async () => {
    const { chat } = await talk.begun();
    say(chat, "apples");
    await shows(chat, "apples", "APPLES");
    expect(await chat.edit(rowOf(chat, "apples"), "pears")).toBe(true);
    await shows(chat, "pears", "APPLES");
    const row = rowOf(chat, "pears");
    chat.beginEdit(row);
    expect(chat.edits.of(row.id)).toBe("pears");
    chat.edits.write(row.id, "plums", row.text);
    const done = chat.editAndAsk(row, "plums");
    expect(chat.edits.of(row.id)).toBeNull();
    await done;
    await shows(chat, "plums", "PLUMS");
  });

  it("says why a message that is being answered can't be edited", async () => {
    talk.provider.on("busy", [null, "done"]);
    const { chat } = await talk.begun();
    say(chat, "busy");
    await stands(chat, "sent", "thinking");
    const row = rowOf(chat, "busy");
    chat.beginEdit(row);
    expect(await chat.edit(row, "idle")).toBe(false);
    expect(chat.edits.of(row.id), "nothing that was written is lost").toBe("idle");
    expect(chat.notice).toMatchObject({ kind: "refused", problem: { code: "reply_running" } });
    await talk.provider.held();
    talk.provider.release();
    await stands(chat, "sent", "answered");
  });

  it("deletes a message on all devices, unless that is undone", async () => {
    const { chat } = await talk.begun();
    say(chat, "apples");
    await shows(chat, "apples", "APPLES");
    const other = await talk.chatOf(talk.stage.device(talk.user), chat.session);
    const row = rowOf(chat, "apples");
    chat.delete(row);
    expect(chat.deletions.held.has(row.id)).toBe(true);
    chat.deletions.undo(row.id);
    chat.delete(rowOf(chat, "APPLES"));
    void chat.deletions.finishAll();
    await shows(chat, "apples");
    await shows(other, "apples");
  });

  it("pages back without making a row anew, and reaches any message", async () => {
    const { chat, device } = await talk.begun();
    let last = "";
    for (let count = 1; count <= 60; count++)
      last = (await device.send(chat.session, `question ${count}`)).reply;
    await until(device, () => device.timeline.messages.get(last)?.status === "complete");
    const late = await talk.chatOf(talk.stage.device(talk.user), chat.session);
    const { messages } = late;
    expect([messages.length, late.history.hasOlder]).toEqual([50, true]);
    await late.history.loadOlder();
    expect(late.messages.slice(-50)).toEqual(messages);
    expect(late.messages).toHaveLength(100);
    const first = rowOf(chat, "question 1").id;
    expect(await late.reach(first)).toBe(true);
    expect([late.messages.length, late.messages[0]?.id, late.history.hasOlder]).toEqual([120, first, false]);
    expect(await late.reach(freshId())).toBe(false);
    const jumping = await talk.chatOf(talk.stage.device(talk.user), chat.session);
    jumping.notice = { kind: "lost" };
    const paging = jumping.history.loadOlder();
    expect(await jumping.reach(first), "while a page is on its way, and a notice stands").toBe(true);
    expect([await paging, jumping.notice]).toEqual([true, null]);
  }, 60_000);

  it("marks the session read here and on all devices", async () => {
    const { chat, device } = await talk.begun();
    say(chat, "apples");
    await shows(chat, "apples", "APPLES");
    const other = talk.stage.device(talk.user);
    await inStep(other);
    const isRead = (each: Device) => {
      const row = each.timeline.sessions.get(chat.session);
      return row !== undefined && row.readSeq + 1 >= row.seq;
    };
    expect(isRead(other)).toBe(false);
    await vi.waitFor(() => expect(chat.isOnline).toBe(true));
    chat.markRead();
    await until(other, () => isRead(other));
    await until(device, () => isRead(device));
  });

  it("names the other devices that type in it, and not this one", async () => {
    const { chat } = await talk.begun();
    const phone = talk.stage.device(talk.user, { who: { id: freshId(), name: "Phone" } });
    const there = await talk.chatOf(phone, chat.session);
    there.currentMessage = "How";
    await vi.waitFor(() => expect(chat.typists.names).toEqual(["Phone"]), PATIENT);
    there.currentMessage = "";
    await vi.waitFor(() => expect(chat.typists.names).toEqual([]), PATIENT);
    expect(there.typists.names).toEqual([]);
  });

  it("goes on in place when the hub is killed in mid-answer; what was said meanwhile waits and is said once", async () => {
    talk.provider.on("long", ["begun", null, "never heard"], ["begun", " and ended"]);
    const { chat, device } = await talk.begun();
    say(chat, "long");
    await shows(chat, "long", "begun");
    const { messages } = chat;
    await talk.hub.kill();
    await until(device, () => device.state === "away");
    say(chat, "and then?");
    await stands(chat, "sent", "writing", "queued");
    const queued = chat.messages[2];
    await talk.hub.start();
    device.retryNow();
    const whole = ["long", "begun and ended", "and then?", "AND THEN?"];
    await vi.waitFor(() => expect(texts(chat)).toEqual(whole), { timeout: 30_000 });
    expect(chat.messages.slice(0, 3)).toEqual([...messages, queued]);
    talk.provider.release();
  }, 60_000);

  it("tells of a session that is not there", async () => {
    const chat = await talk.chatOf(talk.stage.device(talk.user), freshId());
    expect(chat.history.error?.code).toBe("not_found");
  });
});
