// @vitest-environment node
// When a device comes back, how long it waits, when it gives up, and how it notices that nobody is there.

import { afterEach, describe, expect, it } from "vitest";
import {
  CommandRefused,
  ConnectionLost,
  connect,
  type Device,
  type GaveUp,
  type Happening,
} from "../../src/lib/client";
import { Pace, Pulse, socketUrl } from "../../src/lib/client/connection";
import { Backoff } from "../../src/lib/client/link";
import { SNAPSHOT, Sockets, WELCOME, type Heard } from "./sockets";
import { inStep, until } from "./stage";

const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function server(heard: Heard): Promise<{ sockets: Sockets; url: string }> {
  const sockets = new Sockets(heard);
  open.push(sockets);
  return { sockets, url: await sockets.listen() };
}

function device(url: string, token = async () => "token"): Device {
  const made = connect({ url, token, who: { id: "phone", name: "phone" } });
  open.push({ close: () => made.disconnect() });
  return made;
}

function next<T extends Happening["type"]>(of: Device, type: T): Promise<Extract<Happening, { type: T }>> {
  return new Promise((resolve) => {
    const stop = of.on((happening) => {
      if (happening.type !== type) return;
      stop();
      resolve(happening as Extract<Happening, { type: T }>);
    });
  });
}

async function endOf(heard: Heard): Promise<GaveUp> {
  return (await next(device((await server(heard)).url), "ended")).error;
}

/** Lets anybody in who says hello. */
const welcoming: Heard = (peer, command) => {
  if (command.type !== "hello") return;
  peer.say(WELCOME);
  peer.say(SNAPSHOT);
};

describe("the wait before the next attempt", () => {
  it("is random, and the longest one doubles up to a limit", () => {
    const waits = Array.from({ length: 300 }, () => new Backoff()).map((each) =>
      Array.from({ length: 9 }, () => each.wait()),
    );
    for (let attempt = 0; attempt < 9; attempt++) {
      const longest = Math.max(...waits.map((each) => each[attempt] ?? 0));
      const limit = Math.min(30, 0.5 * 2 ** attempt);
      expect(longest).toBeGreaterThan(limit * 0.8);
      expect(longest).toBeLessThanOrEqual(limit);
    }
  });

  it("begins again after a good connection", () => {
    const backoff = new Backoff();
    for (let attempt = 0; attempt < 8; attempt++) backoff.wait();
    backoff.reset();
    expect(backoff.wait()).toBeLessThanOrEqual(0.5);
  });

  it("is as long as the hub has said when it leaves", async () => {
    const { url } = await server((peer) => {
      peer.say({ type: "draining", reconnectInMs: 700 } as const);
      peer.close(4000, "leaving");
    });
    const away = await next(device(url), "away");
    expect(away).toMatchObject({ code: 4000, reason: "leaving" });
    expect(away.backIn).toBeGreaterThan(0.5);
    expect(away.backIn).toBeLessThanOrEqual(0.7);
  });

  it("is no shorter than the hub has said to who asked too much", async () => {
    const { url } = await server((peer) => {
      const problem = { problem: "about:blank", title: "No", status: 429, detail: "slower" };
      peer.say({
        type: "refused",
        ref: null,
        ...problem,
        code: "rate_limited",
        retryAfterMs: 20_000,
      } as const);
      peer.close(4005);
    });
    const { backIn } = await next(device(url), "away");
    expect(backIn).toBeGreaterThanOrEqual(20);
    expect(backIn).toBeLessThanOrEqual(30);
  });

  it("is cut short by who can't wait", async () => {
    const { sockets, url } = await server((peer) => {
      if (sockets.visits > 1) return peer.say(WELCOME);
      peer.say({ type: "draining", reconnectInMs: 60_000 } as const);
      peer.close(4000);
    });
    const waiting = device(url);
    await next(waiting, "away");
    expect((waiting.backAt ?? 0) - performance.now()).toBeGreaterThan(50_000);
    waiting.retryNow();
    await next(waiting, "catching_up");
    expect(waiting.backAt).toBeNull();
  });
});

describe("a close code", () => {
  it.each([4500, 4501, 4503, 4507, 4508])("%i ends the device, and says why", async (code) => {
    const end = await endOf((peer) => peer.close(code, "because"));
    expect(end).toMatchObject({ code, reason: "because" });
  });
});

describe("a device", () => {
  it("comes back when its hello came too late: its line was slow, or the page slept", async () => {
    const { url } = await server((peer) => peer.close(4502, "no hello in time"));
    const late = device(url);
    expect(await next(late, "away")).toMatchObject({ code: 4502 });
    expect(await next(late, "away")).toMatchObject({ code: 4502 });
  });

  it("gives up on a server that speaks another language", async () => {
    expect((await endOf((peer) => peer.sayText("mumble"))).code).toBe(1002);
    expect((await endOf((peer) => peer.sayText('["list"]'))).code).toBe(1002);
  });

  it("ignores an event that it does not know", async () => {
    const { url } = await server((peer, command) => {
      peer.say({ type: "weather.changed" });
      welcoming(peer, command);
    });
    await inStep(device(url));
  });

  it("comes back and resumes when a number is missing", async () => {
    const since: unknown[] = [];
    const { url } = await server((peer, command) => {
      if (command.type === "hello") since.push(command.since);
      welcoming(peer, command);
      if (since.length === 1) peer.say({ type: "session.added", seq: 5 } as const);
    });
    const resuming = device(url);
    expect(await next(resuming, "away")).toMatchObject({ code: 4002 });
    await inStep(resuming);
    expect(since).toEqual([undefined, { epoch: "e", seq: 0 }]);
  });

  it("notices that nobody answers, where the connection seems to be there", async () => {
    const pings: number[] = [];
    const { url } = await server((peer, command) => {
      if (command.type === "ping") pings.push(command.ref);
      if (command.type === "hello") peer.say({ ...WELCOME, heartbeatMs: 50 });
      if (command.type === "hello") peer.say(SNAPSHOT);
    });
    const alone = device(url);
    await inStep(alone);
    expect(await next(alone, "away")).toMatchObject({ code: 1006, reason: "the hub does not answer" });
    expect(pings).toHaveLength(1);
  });

  it("stays where its pings are answered", async () => {
    let pings = 0;
    const { url, sockets } = await server((peer, command) => {
      if (command.type === "ping") pings += 1;
      if (command.type === "ping") peer.say({ type: "pong", ref: command.ref } as const);
      if (command.type === "hello") peer.say({ ...WELCOME, heartbeatMs: 30 });
      if (command.type === "hello") peer.say(SNAPSHOT);
    });
    const kept = device(url);
    await until(kept, () => pings > 3);
    expect([kept.state, sockets.visits]).toEqual(["in_step", 1]);
  });

  it("gives the hub a fresh token before the old one expires, on the same connection", async () => {
    const tokens: string[] = [];
    const { url, sockets } = await server((peer, command) => {
      welcoming(peer, command);
      if ("token" in command && command.token) tokens.push(command.token);
      if (command.type === "hello") peer.say({ type: "token.expiring", inMs: 100 } as const);
      if (command.type === "auth.refresh") peer.say({ type: "pong", ref: 0 } as const);
    });
    let made = 0;
    const renewing = device(url, async () => `token ${++made}`);
    await until(renewing, () => tokens.length === 2);
    renewing.refresh("from outside");
    await until(renewing, () => tokens.length === 3);
    expect(tokens).toEqual(["token 1", "token 2", "from outside"]);
    expect(sockets.visits).toBe(1);
  });

  it("asks for another token when the held one has expired, or was held for long and is not good any more", async () => {
    const tokens: (string | undefined)[] = [];
    const closes = [4003, 1011, 4501];
    const { url } = await server((peer, command) => {
      if (command.type === "hello") tokens.push(command.token);
      const code = closes.shift();
      if (code === undefined) welcoming(peer, command);
      else peer.close(code);
    });
    let made = 0;
    await inStep(device(url, async () => `token ${++made}`));
    expect(tokens).toEqual(["token 1", "token 2", "token 2", "token 3"]);
  });

  it.each([new TypeError("Failed to fetch"), new ConnectionLost("no answer"), refusal("overloaded", true)])(
    "tries again when a token cannot be had for now (%s)",
    async (error) => {
      const { url } = await server(welcoming);
      const failures = [error];
      const patient = device(url, async () => {
        const failure = failures.shift();
        if (failure) throw failure;
        return "token";
      });
      expect(await next(patient, "away")).toMatchObject({ code: 1006, reason: error.message });
      await inStep(patient);
    },
  );

  it.each([new Error("no such key"), refusal("forbidden", false)])(
    "gives up without a token (%s)",
    async (error) => {
      const { url } = await server(welcoming);
      const ended = await next(
        device(url, async () => {
          throw error;
        }),
        "ended",
      );
      expect(ended.error).toMatchObject({ code: 4501 });
      expect(ended.error.message).toContain(error.message);
    },
  );

  it("can't be had of an address that is none", () => {
    expect(() => device("nonsense")).toThrow(TypeError);
  });
});

function refusal(code: "overloaded" | "forbidden", retryable: boolean): CommandRefused {
  return new CommandRefused({
    type: "about:blank",
    title: "No",
    status: 503,
    detail: `refused: ${code}`,
    code,
    retryable,
  });
}

describe("what goes over the wire", () => {
  it("is never faster than the hub listens", () => {
    const pace = new Pace();
    const waits = Array.from({ length: 180 }, () => pace.wait(0));
    expect(waits.slice(0, 100).every((wait) => wait === 0)).toBe(true);
    expect(waits[179]).toBeCloseTo(1);
    expect(pace.wait(100)).toBe(0);
  });

  it("is missed when two beats pass without it", () => {
    const pulse = new Pulse();
    expect([pulse.beat(), pulse.beat()]).toEqual(["alive", "ask"]);
    pulse.hear();
    expect([pulse.beat(), pulse.beat(), pulse.beat()]).toEqual(["alive", "ask", "lost"]);
    pulse.hear();
    pulse.doubt();
    expect(pulse.beat()).toBe("lost");
  });

  it.each([
    ["http://hub.example", "ws://hub.example/ws"],
    ["https://hub.example/here/?a=b#c", "wss://hub.example/here/ws"],
    ["wss://hub.example/ws", "wss://hub.example/ws"],
  ])("goes from %s to %s", (url, there) => {
    expect(socketUrl(url)).toBe(there);
  });
});
