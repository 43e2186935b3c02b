/**
 * What hangs on the message that is being written: at most one picture and one sound, each an upload until the hub has
 * it. What it is named by is put where the message is written; once that is empty, the message has taken it along. What is
 * recorded belongs here from its first second, wherever one goes.
 */
import type { MediaRest } from "./hub";
import type { Sense } from "./kinds";
import { Recorder } from "./recorder.svelte";
import { Upload } from "./upload.svelte";

/** Where a message is written. */
interface Written {
  imageUrl: string | null;
  audioUrl: string | null;
}

const FIELD = { image: "imageUrl", audio: "audioUrl" } as const;
const ONE_OF_EACH = { code: "one_of_each" };

export class Tray {
  readonly recorder = new Recorder((file) => this.take([file]));
  #rest: MediaRest;
  #written: Written;
  /** In the order in which they were chosen. */
  #all = $state.raw<Upload[]>([]);
  /** Somebody wanted to send the message while it had to wait. */
  isAwaited = $state(false);

  constructor(rest: MediaRest, written: Written) {
    this.#rest = rest;
    this.#written = written;
  }

  /** Somebody has signed in again: it hangs on what is written there, and what has not arrived is sent once more. */
  moveTo(rest: MediaRest, written: Written): void {
    this.#rest = rest;
    this.#written = written;
    for (const upload of this.#unfinished) {
      upload.cancel();
      this.again(upload);
    }
  }

  get rest(): MediaRest {
    return this.#rest;
  }

  get uploads(): Upload[] {
    return this.#all.filter((upload) => this.#isHere(upload));
  }

  /** What came back with a message that could not be sent: nothing is uploaded of it any more. */
  get kept(): { sense: Sense; url: string }[] {
    const own = new Set(this.#all.map(({ url }) => url));
    return (["image", "audio"] as const).flatMap((sense) => {
      const url = this.#written[FIELD[sense]];
      return url === null || own.has(url) ? [] : [{ sense, url }];
    });
  }

  /** A message that was sent now would go without some of it. Null: it has all. */
  get waitsFor(): "recording" | "arrival" | "decision" | null {
    if (this.#isRecording) return "recording";
    if (this.uploads.some(({ isBusy }) => isBusy)) return "arrival";
    return this.uploads.some(({ canRetry }) => canRetry) ? "decision" : null;
  }

  /** How much is only here, and may yet be sent. */
  get unsent(): number {
    return this.#unfinished.length + Number(this.#isRecording);
  }

  /** Of several at once the first picture and the first sound; of the others it is said that they stay behind. */
  take(files: Iterable<File>): void {
    const uploads = [...files].map((file) => new Upload(file));
    this.#all = [...this.uploads, ...uploads];
    const taken = new Set<string>();
    this.isAwaited = false;
    for (const upload of uploads) {
      const kind = upload.file.type.split("/", 1)[0] ?? "";
      if (taken.has(kind)) upload.refuse(ONE_OF_EACH);
      else void this.#send(upload);
      taken.add(kind);
    }
  }

  /** Sent again it is the one chosen last. */
  again(upload: Upload): void {
    this.#all = [...this.#all.filter((other) => other !== upload), upload];
    void this.#send(upload);
  }

  remove(upload: Upload): void {
    upload.cancel();
    this.#all = this.#all.filter((other) => other !== upload);
    if (upload.sense !== null && upload.url !== null && this.#written[FIELD[upload.sense]] === upload.url) {
      this.forget(upload.sense);
    }
  }

  forget(sense: Sense): void {
    this.#written[FIELD[sense]] = null;
  }

  /** Nothing of it is sent any more. */
  cancel(): void {
    this.recorder.cancel();
    for (const upload of this.#all) upload.cancel();
  }

  get #isRecording(): boolean {
    return this.recorder.state === "recording";
  }

  get #unfinished(): Upload[] {
    return this.uploads.filter(({ isBusy, canRetry }) => isBusy || canRetry);
  }

  async #send(upload: Upload): Promise<void> {
    const sense = await upload.look();
    if (sense === null) return;
    this.#giveWay(sense);
    await upload.send(this.#rest);
    if (upload.state === "kept") this.#written[FIELD[sense]] = upload.url;
  }

  /** The last chosen goes along, whichever is faster; of others on their way it is said that they stay behind. */
  #giveWay(sense: Sense): void {
    const rivals = this.uploads.filter((upload) => upload.sense === sense && upload.state !== "refused");
    for (const earlier of rivals.slice(0, -1)) if (earlier.isBusy) earlier.refuse(ONE_OF_EACH);
  }

  /** A kept one is here as long as the message names it: a later picture takes its place. */
  #isHere({ state, sense, url }: Upload): boolean {
    return state !== "kept" || (sense !== null && this.#written[FIELD[sense]] === url);
  }
}
