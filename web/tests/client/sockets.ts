// A websocket server for what no hub does on demand: fall silent, close with any code, speak nonsense. RFC 6455 as far
// as it takes for that: short text frames, one at a time.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Command, Event } from "../../src/lib/client";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [TEXT, CLOSE] = [1, 8];

export const WELCOME = {
  type: "welcome",
  ref: 1,
  epoch: "e",
  seq: 0,
  device: "d",
  heartbeatMs: 20_000,
  limits: {
    frameBytes: 65_536,
    framesAtOnce: 200,
    framesPerSecond: 100,
    contentLength: 8000,
    titleLength: 500,
    pendingReplies: 20,
  },
  tutor: { name: "t", local: false, note: "" },
} satisfies Event;
export const SNAPSHOT = { type: "snapshot", epoch: "e", seq: 0, sessions: [], cursor: null } satisfies Event;

/** One socket, from the side of the server. */
export class Peer {
  constructor(private readonly stream: Duplex) {}

  say(event: Event | { type: string }): void {
    this.sayText(JSON.stringify(event));
  }

  sayText(text: string): void {
    this.#frame(TEXT, Buffer.from(text));
  }

  close(code: number, reason = ""): void {
    this.#frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
  }

  cut(): void {
    this.stream.destroy();
  }

  #frame(kind: number, payload: Buffer): void {
    const { length } = payload;
    const size = length < 126 ? [length] : [126, length >> 8, length & 255];
    this.stream.write(Buffer.concat([Buffer.from([128 | kind, ...size]), payload]));
  }
}

export type Heard = (peer: Peer, command: Command) => void;

export class Sockets {
  /** How often somebody came. */
  visits = 0;
  readonly #server: Server;
  readonly #streams = new Set<Duplex>();

  /** `heard` is told each command; `hello` is the first. */
  constructor(heard: Heard) {
    this.#server = createServer();
    this.#server.on("upgrade", (request, stream: Duplex) => {
      this.visits += 1;
      this.#streams.add(stream);
      stream.on("error", () => undefined);
      const key = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"]}${GUID}`)
        .digest("base64");
      const lines = [
        "HTTP/1.1 101 X",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${key}`,
      ];
      stream.write([...lines, "Sec-WebSocket-Protocol: tutorhub.v1", "", ""].join("\r\n"));
      const peer = new Peer(stream);
      let unread = Buffer.alloc(0);
      stream.on("data", (data: Buffer) => {
        unread = Buffer.concat([unread, data]);
        for (let frame = framed(unread); frame; frame = framed(unread)) {
          unread = unread.subarray(frame.size);
          if (frame.kind === CLOSE) stream.end();
          if (frame.kind === TEXT) heard(peer, JSON.parse(frame.text) as Command);
        }
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#server.close();
  }
}

/** The first frame of what has come, if it is whole; a client's is masked. */
function framed(data: Buffer): { kind: number; size: number; text: string } | null {
  if (data.length < 2) return null;
  const short = (data[1] ?? 0) & 127;
  const begins = short === 126 ? 8 : 6;
  if (data.length < begins) return null;
  const length = short === 126 ? data.readUInt16BE(2) : short;
  if (data.length < begins + length) return null;
  const mask = data.subarray(begins - 4, begins);
  const payload = data.subarray(begins, begins + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { kind: (data[0] ?? 0) & 15, size: begins + length, text: Buffer.from(payload).toString() };
}
