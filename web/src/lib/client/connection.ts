/**
 * One socket to the hub, from its opening to its end. Moves commands and events, never reads them but for the beat.
 *
 * It never speaks faster than the hub listens: the hub ends a connection with more frames than its budget allows. And
 * it notices when nothing comes any more: a page does not see the hub's pings, so it says `ping` of its own.
 */

import { pageTime } from "./clock";
import { ABNORMAL, CloseCode, PROTOCOL_ERROR } from "./closing";
import type { Command, Event } from "./wire";

const SUBPROTOCOL = "tutorhub.v1";
const OPEN_WITHIN = 10;
/** Seconds between two looks at whether something was heard, unless the hub has said another number. */
const BEAT = 20;
/** The hub's budget is 200 frames at once and 100 a second; pings count too. */
const BURST = 100;
const PER_SECOND = 80;
/** Pings have a ref of their own, which no command has. */
const PING_REF = 0;

/** How a connection ended. */
export interface Closed {
  code: number;
  reason: string;
}

interface Hearer {
  opened(): void;
  /** False: the connection is of no more use. */
  heard(event: Event): boolean;
  /** Once, at the end. */
  closed(closed: Closed): void;
}

/** A token bucket: how long to wait before the next frame. No clock. */
export class Pace {
  #budget = BURST;
  #filledAt = 0;

  /** Seconds until the frame may be sent; it counts as sent. */
  wait(now: number): number {
    this.#budget = Math.min(BURST, this.#budget + (now - this.#filledAt) * PER_SECOND) - 1;
    this.#filledAt = now;
    return Math.max(0, -this.#budget / PER_SECOND);
  }
}

/** Whether anything is heard of the hub. No clock: it is asked at each beat. */
export class Pulse {
  #heard = true;
  #asked = false;

  hear(): void {
    this.#heard = true;
    this.#asked = false;
  }

  /** `ask`: nothing has come since the last beat. `lost`: not even an answer. */
  beat(): "alive" | "ask" | "lost" {
    if (this.#asked) return "lost";
    this.#asked = !this.#heard;
    this.#heard = false;
    return this.#asked ? "ask" : "alive";
  }

  /** There is a reason to doubt: what comes at the next beat must be an answer. */
  doubt(): void {
    this.#asked = true;
  }
}

export class Connection {
  readonly #socket: WebSocket;
  readonly #pace = new Pace();
  readonly #pulse = new Pulse();
  #beat = BEAT;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #delayed: Command[] = [];
  #wasOpened = false;
  #isOver = false;

  constructor(
    url: string,
    private readonly hearer: Hearer,
  ) {
    this.#socket = new WebSocket(url, [SUBPROTOCOL]);
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = ({ data }) => this.#heard(String(data));
    this.#socket.onerror = () => this.#failed();
    this.#socket.onclose = ({ code, reason }) => this.#end({ code: code || ABNORMAL, reason });
    this.#timer = setTimeout(
      () => this.end({ code: ABNORMAL, reason: "it took too long to connect" }),
      OPEN_WITHIN * 1000,
    );
  }

  /** It goes out after what was said before. */
  say(command: Command): void {
    const wait = this.#delayed.length > 0 ? 1 : this.#pace.wait(pageTime());
    if (wait === 0) this.#write(command);
    else if (this.#delayed.push(command) === 1) setTimeout(() => this.#catchUp(), wait * 1000);
  }

  /** Make sure that the hub is there, and answers within so many seconds. */
  check(seconds: number): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#pulse.doubt();
    this.#write({ type: "ping", ref: PING_REF });
    this.#lookIn(seconds);
  }

  /** Without waiting for the other side, which may be gone. */
  end(closed: Closed): void {
    this.#socket.close();
    this.#end(closed);
  }

  #opened(): void {
    this.#wasOpened = true;
    this.#lookIn(this.#beat);
    this.hearer.opened();
  }

  /** There is no connection; not every runtime says so by a close. */
  #failed(): void {
    if (!this.#wasOpened) this.#end({ code: ABNORMAL, reason: "the hub cannot be reached" });
  }

  #heard(data: string): void {
    if (this.#isOver) return;
    this.#pulse.hear();
    const event = decoded(data);
    if (event === null) {
      this.end({ code: PROTOCOL_ERROR, reason: "the hub speaks another language" });
      return;
    }
    if (event.type === "welcome") this.#beatEvery(event.heartbeatMs / 1000);
    if (!this.hearer.heard(event)) this.end({ code: CloseCode.RESYNC, reason: "something is missing" });
  }

  #beatEvery(seconds: number): void {
    this.#beat = seconds;
    this.#lookIn(seconds);
  }

  #look(): void {
    const pulse = this.#pulse.beat();
    if (pulse === "lost") this.end({ code: ABNORMAL, reason: "the hub does not answer" });
    else {
      if (pulse === "ask") this.#write({ type: "ping", ref: PING_REF });
      this.#lookIn(this.#beat);
    }
  }

  #lookIn(seconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), seconds * 1000);
  }

  #catchUp(): void {
    const [first, ...rest] = this.#delayed.splice(0);
    if (first) this.#write(first);
    for (const command of rest) this.say(command);
  }

  #write(command: Command): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(command));
  }

  #end(closed: Closed): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.hearer.closed(closed);
  }
}

/** The event of a frame. Null: it is not this protocol. One of a type that this version does not know is one, too. */
function decoded(data: string): Event | null {
  try {
    const event: unknown = JSON.parse(data);
    const isEvent =
      typeof event === "object" && event !== null && "type" in event && typeof event.type === "string";
    return isEvent ? (event as Event) : null;
  } catch {
    return null;
  }
}

/** Where the hub's websocket is: `https://hub.example` → `wss://hub.example/ws`. */
export function socketUrl(url: string): string {
  const there = new URL(url.replace(/^http/, "ws"));
  if (!there.pathname.endsWith("/ws")) there.pathname = `${there.pathname.replace(/\/$/, "")}/ws`;
  there.search = there.hash = "";
  return there.href;
}
