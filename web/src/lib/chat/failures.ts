/** Tells of a send that the hub refused where its sender does not see it, once: what failed before is told already. */
import type { Device } from "../client";
import { rowOf, view } from "./elements";

type Sending = Pick<Device, "on" | "pendingSends">;
type ByMessage<Answer> = (session: string, message: string) => Answer;

export class Failures {
  readonly #device: Sending;
  readonly #isSeen: ByMessage<boolean>;
  readonly #tell: ByMessage<void>;
  #known: ReadonlySet<string> = new Set();

  constructor(device: Sending, { isSeen, tell }: { isSeen: ByMessage<boolean>; tell: ByMessage<void> }) {
    this.#device = device;
    this.#isSeen = isSeen;
    this.#tell = tell;
  }

  /** Returns how to stop. */
  start(): () => void {
    this.#look();
    return this.#device.on(({ type }) => {
      if (type !== "outbox") return;
      for (const { session, message } of this.#look())
        if (!this.#isSeen(session, message)) this.#tell(session, message);
    });
  }

  /** Those that have failed since. */
  #look() {
    const failed = this.#device.pendingSends().filter((send) => send.state === "failed");
    const fresh = failed.filter((send) => !this.#known.has(send.message));
    this.#known = new Set(failed.map((send) => send.message));
    return fresh;
  }
}

/** The message is in the page, and in the part of it that is seen. */
export function isInView(message: string): boolean {
  const row = rowOf(message);
  const within = view();
  if (row === null || within === null) return false;
  const [inner, outer] = [row.getBoundingClientRect(), within.getBoundingClientRect()];
  return inner.bottom > outer.top && inner.top < outer.bottom;
}
