/** What is asked of the hub over HTTP: the development sign-in, files, and what has to do with the account. */

import { CommandRefused, ConnectionLost } from "./errors";
import { freshId } from "./ids";
import type { DevToken, DeviceList, Media, MediaLinks, Problem, Transcript } from "./wire";

export interface Uploading {
  /** The id of an earlier attempt: it is the same file again. */
  media?: string | undefined;
  /** The part of the file that is on its way to the hub, from 0 to 1. */
  onProgress?: ((part: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

type Method = "GET" | "POST" | "DELETE";

/** Everything is rejected with CommandRefused if the hub says no, and with ConnectionLost if it says nothing. */
export class Rest {
  readonly #url: string;

  constructor(
    url: string,
    private readonly token: () => Promise<string>,
  ) {
    this.#url = url.replace(/\/$/, "");
  }

  /** A token for anybody who asks, where the hub allows it. */
  async devSignIn(user: string): Promise<DevToken> {
    const body = JSON.stringify({ user });
    const headers = { "Content-Type": "application/json" };
    return (await this.#fetched("/auth/dev", { method: "POST", body, headers })) as DevToken;
  }

  /** Returns once the hub has it. Rejected with the reason of the signal, too. */
  async upload(file: Blob, { media = freshId(), onProgress, signal }: Uploading = {}): Promise<Media> {
    const token = await this.token();
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", `${this.#url}/api/media`);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Idempotency-Key", media);
    request.upload.onprogress = ({ loaded }) => onProgress?.(Math.min(1, loaded / (file.size || 1)));
    request.upload.onload = () => onProgress?.(1);
    const answer = answerOf(request, signal);
    request.send(file);
    return (await answer) as Media;
  }

  /** Addresses for a page's pictures and sounds, good for five minutes. */
  async links(media: string): Promise<MediaLinks> {
    return (await this.#ask("POST", `${pathOf(media)}/url`)) as MediaLinks;
  }

  /** What is said in a recording. */
  async transcribe(media: string): Promise<Transcript> {
    return (await this.#ask("POST", `${pathOf(media)}/transcription`)) as Transcript;
  }

  /** At once and for good; messages that name it stay. */
  async removeMedia(media: string): Promise<void> {
    await this.#ask("DELETE", pathOf(media));
  }

  /** The devices that the user has signed in with, the last seen first. */
  async devices(): Promise<DeviceList> {
    return (await this.#ask("GET", "/api/devices")) as DeviceList;
  }

  async signOutDevice(device: string): Promise<void> {
    await this.#ask("DELETE", `/api/devices/${encodeURIComponent(device)}`);
  }

  /** Revoke this token; `everywhere`: every token of the user. It is said even if the page is closed meanwhile. */
  async signOut({ everywhere = false } = {}): Promise<void> {
    await this.#ask("POST", "/auth/sign-out", { everywhere }, { keepalive: true });
  }

  /** Erase the user with everything of theirs. There is no way back. */
  async eraseMe(): Promise<void> {
    await this.#ask("DELETE", "/api/me");
  }

  async #ask(method: Method, path: string, body?: object, more: RequestInit = {}): Promise<unknown> {
    const headers = { Authorization: `Bearer ${await this.token()}`, "Content-Type": "application/json" };
    return this.#fetched(path, { method, headers, ...(body && { body: JSON.stringify(body) }), ...more });
  }

  async #fetched(path: string, request: RequestInit): Promise<unknown> {
    const answer = await fetch(this.#url + path, request).catch((error: unknown) => {
      throw new ConnectionLost(`The hub cannot be reached (${String(error)}).`);
    });
    return read(answer.status, await answer.text().catch(() => ""));
  }
}

/** Where a file is: `media` is its id, or what a message names it by. */
function pathOf(media: string): string {
  return media.startsWith("/") ? media : `/api/media/${media}`;
}

function answerOf(request: XMLHttpRequest, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = () => request.abort();
    signal?.addEventListener("abort", abort);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new ConnectionLost("The connection broke while the file was sent."));
    request.onabort = () => reject(signal?.reason);
    request.onloadend = () => signal?.removeEventListener("abort", abort);
  }).then((answer) => {
    const { status, text } = answer as { status: number; text: string };
    return read(status, text);
  });
}

/** What the hub has answered; or a proxy, which speaks another language. */
function read(status: number, text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ConnectionLost(`The hub has not answered (${status}).`);
  }
  if (status >= 200 && status < 300) return body;
  if (isProblem(body)) throw new CommandRefused(body);
  throw new ConnectionLost(`The hub has not answered (${status}).`);
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}
