/**
 * One's own messages while they are changed. What is written stays, wherever one goes in the page and when one comes back
 * to it, until it is saved or given up. Saved, it is a change that the outbox keeps; refused, it is written on.
 */
import { CommandRefused, type Device, type Happening, type Problem } from "../client";
import type { Drafts } from "./drafts";

/** Its draft goes by this and the message's id. */
const NAME = "edit ";

export class Edits {
  #held = $state.raw<ReadonlyMap<string, string>>(new Map());
  readonly #device: Device;
  readonly #drafts: Drafts;

  constructor(device: Device, drafts: Drafts) {
    this.#device = device;
    this.#drafts = drafts;
    drafts.followAll(NAME, (name, { text }) => this.#hold(name.slice(NAME.length), text || null));
    device.on((happening) => this.#hear(happening));
  }

  /** What is written of it, and not saved; null: nobody is writing. */
  of(message: string): string | null {
    return this.#held.get(message) ?? null;
  }

  write(message: string, text: string): void {
    this.#hold(message, text);
    this.#drafts.write(NAME + message, { text });
  }

  giveUp(message: string): void {
    this.#hold(message, null);
    this.#drafts.write(NAME + message, { text: "" });
  }

  /** Rejected as the hub refuses it. */
  async save(message: string, text: string): Promise<void> {
    const answer = this.#device.edit(message, text);
    if (this.#device.state !== "ended") this.giveUp(message);
    await answer.catch((error: unknown) => {
      if (error instanceof CommandRefused) this.#writeOn(message, text, error.problem);
      throw error;
    });
  }

  #hear(happening: Happening): void {
    if (happening.type === "refused" && happening.change.type === "message.edit")
      this.#writeOn(happening.change.message, happening.change.content, happening.problem);
    if (happening.type !== "event" || !("messages" in happening.event)) return;
    for (const { id, deletedAt } of happening.event.messages ?? [])
      if (deletedAt !== undefined && this.#held.has(id)) this.giveUp(id);
  }

  /** Of a message that is gone there is nothing to write on. */
  #writeOn(message: string, text: string, { code }: Problem): void {
    if (code !== "not_found") this.write(message, text);
  }

  #hold(message: string, text: string | null): void {
    const held = new Map(this.#held);
    if (text === null) held.delete(message);
    else held.set(message, text);
    this.#held = held;
  }
}

export function isEdit(draft: string): boolean {
  return draft.startsWith(NAME);
}
