/**
 * One's own messages while they are changed. What is written stays, wherever one goes in the page, until it is saved or
 * given up. Saved, it is what is shown at once, and until the hub's own row says it; refused, it is written on.
 */
import type { Device } from "../client";

export interface Edit {
  text: string;
  /** It is on its way to the hub. */
  isSaving: boolean;
}

export class Edits {
  #held = $state.raw<ReadonlyMap<string, Edit>>(new Map());
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  of(message: string): Edit | undefined {
    return this.#held.get(message);
  }

  /** Somebody is writing. */
  isOpen(message: string): boolean {
    return this.of(message)?.isSaving === false;
  }

  write(message: string, text: string): void {
    this.#held = new Map(this.#held).set(message, { text, isSaving: false });
  }

  giveUp(message: string): void {
    this.#held = new Map([...this.#held].filter(([other]) => other !== message));
  }

  /** Rejected as the hub refuses it. */
  async save(message: string, text: string): Promise<void> {
    this.#held = new Map(this.#held).set(message, { text, isSaving: true });
    try {
      const { seq } = await this.#device.edit(message, text);
      await this.#heard(seq);
      this.giveUp(message);
    } catch (error) {
      this.write(message, text);
      throw error;
    }
  }

  /** The answer may come before the event. */
  #heard(seq: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#device.timeline.seq < seq && this.#device.state !== "ended") return;
        stop();
        resolve();
      };
      const stop = this.#device.on(look);
      look();
    });
  }
}
