/**
 * What hangs on the message that is being written: at most one picture and one sound, each an upload until the hub has
 * it. What it is named by is put where the message is written; once that is empty, the message has taken it along.
 */
import type { MediaRest } from "./hub";
import type { Sense } from "./kinds";
import { Upload } from "./upload.svelte";

/** Where a message is written. */
export interface Written {
  imageUrl: string | null;
  audioUrl: string | null;
}

const FIELD = { image: "imageUrl", audio: "audioUrl" } as const;

export class Tray {
  readonly rest: MediaRest;
  readonly #written: Written;
  #all = $state.raw<Upload[]>([]);

  constructor(rest: MediaRest, written: Written) {
    this.rest = rest;
    this.#written = written;
  }

  readonly uploads = $derived.by(() => this.#all.filter((upload) => this.#isHere(upload)));

  /** What came back with a message that could not be sent: nothing is uploaded of it any more. */
  readonly kept = $derived.by(() => {
    const own = new Set(this.#all.map(({ url }) => url));
    return (["image", "audio"] as const).flatMap((sense) => {
      const url = this.#written[FIELD[sense]];
      return url === null || own.has(url) ? [] : [{ sense, url }];
    });
  });

  /** Some of it is on its way: a message that was sent now would go without it. */
  get isBusy(): boolean {
    return this.uploads.some(({ isBusy }) => isBusy);
  }

  /** Of several at once the first picture and the first sound; of the others it is said that they stay behind. */
  take(files: Iterable<File>): void {
    const uploads = [...files].map((file) => new Upload(file, this.rest));
    this.#all = [...this.uploads, ...uploads];
    const taken = new Set<string>();
    for (const upload of uploads) {
      const kind = upload.file.type.split("/", 1)[0] ?? "";
      if (taken.has(kind)) upload.refuse("one_of_each");
      else void this.send(upload);
      taken.add(kind);
    }
  }

  async send(upload: Upload): Promise<void> {
    await upload.send();
    if (upload.state !== "kept" || upload.sense === null || !this.#all.includes(upload)) return;
    this.#written[FIELD[upload.sense]] = upload.url;
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

  /** A kept one is here as long as the message names it: a later picture takes its place. */
  #isHere({ state, sense, url }: Upload): boolean {
    return state !== "kept" || (sense !== null && this.#written[FIELD[sense]] === url);
  }
}
