// What tests of a chat share: a learner with a chat on a device, and what is looked at in it.

import { beforeEach, expect, vi } from "vitest";
import { type Device, freshId } from "../../src/lib/client";
import { ChatStore } from "../../src/lib/chat/chat.svelte";
import type { Row } from "../../src/lib/chat/row.svelte";
import { belongings } from "./belongings";
import { Scene } from "./scene";

export const WORDLESS = "Please look at this picture.";
export const PATIENT = { timeout: 15_000 };

/** Of a learner who is another in each test. */
export class Talk extends Scene {
  user = freshId();

  /** To be made within `describe`. */
  constructor() {
    super();
    beforeEach(() => {
      this.user = freshId();
    });
  }

  async chatOf(device: Device, session: string): Promise<ChatStore> {
    const chat = new ChatStore(session, await belongings(device, this.user, this.leaving));
    this.leaving.push(chat.start());
    await vi.waitFor(() => expect(chat.isLoading).toBe(false), PATIENT);
    return chat;
  }

  /** A chat of a fresh session, and the device that it is on. */
  async begun(): Promise<{ chat: ChatStore; device: Device }> {
    const device = this.stage.device(this.user);
    const { id } = await device.createSession({ title: "Pho" });
    return { chat: await this.chatOf(device, id), device };
  }
}

export function say(chat: ChatStore, text: string): boolean {
  chat.currentMessage = text;
  return chat.send(WORDLESS);
}

export const texts = (chat: ChatStore) => chat.messages.map((row) => row.text);
export const standings = (chat: ChatStore) => chat.messages.map((row) => row.standing);
export const shows = (chat: ChatStore, ...expected: string[]) =>
  vi.waitFor(() => expect(texts(chat)).toEqual(expected), PATIENT);
export const stands = (chat: ChatStore, ...expected: string[]) =>
  vi.waitFor(() => expect(standings(chat)).toEqual(expected), PATIENT);

export function rowOf(chat: ChatStore, text: string): Row {
  const row = chat.messages.find((each) => each.text === text);
  if (row === undefined) throw new Error(`nothing says ${text}`);
  return row;
}
