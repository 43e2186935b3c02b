/**
 * A file on its way to the hub: looked at before anything of it is sent, sent with progress, cancelled or sent again.
 * Sent again it has the same name, so that the hub keeps it once.
 */
import { freshId } from "../client";
import type { Refusal } from "../i18n/explained";
import { refusalOf, type MediaRest } from "./hub";
import { lookedAt, type Sense } from "./kinds";

type UploadState = "waiting" | "sending" | "kept" | "refused" | "cancelled";

export class Upload {
  readonly id = freshId();
  readonly file: File;
  state = $state<UploadState>("waiting");
  sense = $state<Sense | null>(null);
  /** From 0 to 1. All of it sent, the hub still has to look at it. */
  part = $state(0);
  /** Why it was refused: by the hub, or before it was asked. */
  problem = $state.raw<Refusal | null>(null);
  /** What a message names it by. */
  url = $state<string | null>(null);
  #abort = new AbortController();

  constructor(file: File) {
    this.file = file;
  }

  get isBusy(): boolean {
    return this.state === "waiting" || this.state === "sending";
  }

  /** Whether the same file may be taken at another time, or once one has signed in again. */
  get canRetry(): boolean {
    return this.problem?.retryable === true || this.problem?.code === "unauthenticated";
  }

  /** What it is, before anything of it is sent. Null: it is not taken, or was cancelled. */
  async look(): Promise<Sense | null> {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.state = "waiting";
    this.part = 0;
    this.problem = null;
    const found = await lookedAt(this.file).catch(() => ({ refusal: "empty" }) as const); // it is gone from the disk
    if (signal.aborted) return null;
    if ("sense" in found) return (this.sense = found.sense);
    this.refuse({ code: found.refusal });
    return null;
  }

  /** Once it was looked at. */
  async send(rest: MediaRest): Promise<void> {
    const { signal } = this.#abort;
    if (!this.isBusy) return;
    this.state = "sending";
    try {
      const onProgress = (part: number) => (this.part = part);
      const kept = await rest.upload(this.file, { media: this.id, onProgress, signal });
      if (signal.aborted) return;
      this.url = kept.url;
      this.state = "kept";
    } catch (error) {
      if (signal.aborted) return;
      this.state = "refused";
      this.refuse(refusalOf(error));
    }
  }

  refuse(problem: Refusal): void {
    this.problem = problem;
    this.state = "refused";
    this.#abort.abort();
  }

  cancel(): void {
    if (!this.isBusy) return;
    this.state = "cancelled";
    this.#abort.abort();
  }
}
