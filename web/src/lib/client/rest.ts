/** What is asked of the hub over HTTP: the development sign-in, files, and what has to do with the account. */

import { ConnectionLost } from "./errors";
import type { DevToken, DeviceList, Media, MediaLinks, Transcript } from "./wire";

export interface Uploading {
  /** The id of an earlier attempt: it is the same file again. */
  media?: string | undefined;
  /** The part that is on its way to the hub, from 0 to 1. */
  onProgress?: ((part: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export class Rest {
  constructor(
    readonly url: string,
    readonly token: () => Promise<string>,
  ) {}

  /** A token for anybody who asks, where the hub allows it. */
  devSignIn(user: string): Promise<DevToken> {
    return this.#ask(user);
  }

  /** Rejected with CommandRefused, ConnectionLost, or the reason of the signal. */
  upload(file: Blob, options: Uploading = {}): Promise<Media> {
    return this.#ask(file, options);
  }

  /** Addresses for a page's pictures and sounds, good for five minutes. `media` is an id or what a message names. */
  links(media: string): Promise<MediaLinks> {
    return this.#ask(media);
  }

  /** What is said in a recording. */
  transcribe(media: string): Promise<Transcript> {
    return this.#ask(media);
  }

  async removeMedia(media: string): Promise<void> {
    await this.#ask(media);
  }

  devices(): Promise<DeviceList> {
    return this.#ask();
  }

  async signOutDevice(device: string): Promise<void> {
    await this.#ask(device);
  }

  async signOut(options: { everywhere?: boolean } = {}): Promise<void> {
    await this.#ask(options);
  }

  /** Erase the user with everything of theirs. There is no way back. */
  async eraseMe(): Promise<void> {
    await this.#ask();
  }

  async #ask(...said: unknown[]): Promise<never> {
    throw new ConnectionLost(`There is no connection (${said.length}).`);
  }
}
