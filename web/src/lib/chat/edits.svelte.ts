/**
 * One's own messages while they are changed. What is written stays, wherever one goes in the page and when one comes back
 * to it, until it is saved or given up. Saved, it is a change that the outbox keeps; refused, it is written on. A session
 * that is deleted may come back, and its edits with it; of a message that is deleted nothing can be saved any more.
 */
import { CommandRefused, type Device, type Happening } from "../client";
import type { Drafts } from "./drafts";

/** Its draft goes by this and the message's id. */
const NAME = "edit ";

interface Edit {
  text: string;
  /** Something was written that the message does not say: that is kept, and told of when it can't be. */
  isChanged: boolean;
}
/** Is told in which session the words have lost their message. */
type Lost = (session: string, text: string) => void;

export class Edits {
  #held = $state.raw<ReadonlyMap<string, Edit>>(new Map());
  /** The one that is being written here, until its field is left: no other tab ends it. */
  #writing: string | null = null;
  /** The messages that are known to be deleted, and the sessions that they were in. */
  readonly #deleted = new Map<string, string>();
  readonly #device: Device;
  readonly #drafts: Drafts;
  readonly #lost: Lost;

  constructor(device: Device, drafts: Drafts, lost: Lost) {
    this.#device = device;
    this.#drafts = drafts;
    this.#lost = lost;
    drafts.followAll(NAME, (name, { text }) => this.#follow(name.slice(NAME.length), text));
    device.on((happening) => this.#hear(happening));
  }

  /** What is written of it, and not saved; null: nobody is writing. */
  of(message: string): string | null {
    return this.#held.get(message)?.text ?? null;
  }

  /** `said`: what the message says. */
  begin(message: string, said: string): void {
    if (!this.#held.has(message)) this.#hold(message, { text: said, isChanged: false });
  }

  write(message: string, text: string, said: string): void {
    this.#writing = message;
    this.#keep(message, { text, isChanged: text !== said });
  }

  /** Its field is left. */
  pause(message: string): void {
    if (this.#writing === message) this.#writing = null;
  }

  giveUp(message: string): void {
    this.pause(message);
    this.#keep(message, null);
  }

  /** Rejected as the hub refuses it. */
  async save(message: string, text: string): Promise<void> {
    const answer = this.#device.edit(message, text);
    if (this.#device.state !== "ended") this.giveUp(message);
    await answer.catch((error: unknown) => {
      if (error instanceof CommandRefused) this.#writeOn(message, text);
      throw error;
    });
  }

  #hear(happening: Happening): void {
    if (happening.type === "refused" && happening.change.type === "message.edit")
      this.#writeOn(happening.change.message, happening.change.content);
    if (happening.type !== "event" || !("messages" in happening.event)) return;
    for (const { id, sessionId, deletedAt } of happening.event.messages ?? [])
      if (deletedAt !== undefined) this.#drop(id, sessionId);
  }

  #drop(message: string, session: string): void {
    this.#deleted.set(message, session);
    const edit = this.#held.get(message);
    if (edit === undefined) return;
    if (edit.isChanged) this.#tell(message, session, edit.text);
    this.giveUp(message);
  }

  #writeOn(message: string, text: string): void {
    const session = this.#deleted.get(message);
    if (session !== undefined) this.#tell(message, session, text);
    else this.#keep(message, { text, isChanged: true });
  }

  /** All tabs hear of it: one that is seen, or in which it was being written, tells. */
  #tell(message: string, session: string, text: string): void {
    if (!document.hidden || this.#writing === message) this.#lost(session, text);
  }

  /** It was written or ended in another tab, or is kept of an earlier time. */
  #follow(message: string, text: string): void {
    if (text !== "") this.#hold(message, { text, isChanged: true });
    else if (this.#writing !== message) this.#hold(message, null);
  }

  #keep(message: string, edit: Edit | null): void {
    this.#hold(message, edit);
    this.#drafts.write(NAME + message, { text: edit?.isChanged ? edit.text : "" });
  }

  #hold(message: string, edit: Edit | null): void {
    const held = new Map(this.#held);
    if (edit === null) held.delete(message);
    else held.set(message, edit);
    this.#held = held;
  }
}

export function isEdit(draft: string): boolean {
  return draft.startsWith(NAME);
}
