// @vitest-environment jsdom
// What the browser says of the network, and of whether somebody looks, is a hint that a device acts upon.

import { afterEach, expect, it } from "vitest";
import { connect, type Device } from "../../src/lib/client";
import { SNAPSHOT, Sockets, WELCOME } from "./sockets";
import { inStep, until } from "./stage";

const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Sends its first visitor away for a minute, welcomes the next ones, and tells how often it is asked for a sign. */
async function world(sendsAway: boolean): Promise<{ device: Device; pings: () => number; sockets: Sockets }> {
  let pings = 0;
  const sockets = new Sockets((peer, command) => {
    if (command.type === "ping") pings += 1;
    if (command.type === "ping") peer.say({ type: "pong", ref: command.ref } as const);
    if (command.type !== "hello") return;
    if (sendsAway && sockets.visits === 1) {
      peer.say({ type: "draining", reconnectInMs: 60_000 } as const);
      return peer.close(4000);
    }
    peer.say(WELCOME);
    peer.say(SNAPSHOT);
  });
  const device = connect({
    url: await sockets.listen(),
    token: async () => "token",
    who: { id: "phone", name: "phone" },
  });
  open.push(sockets, { close: () => device.disconnect() });
  return { device, pings: () => pings, sockets };
}

it.each([
  ["the network is back", () => window.dispatchEvent(new Event("online"))],
  ["the page is shown again", () => window.dispatchEvent(new Event("pageshow"))],
  ["somebody looks", () => document.dispatchEvent(new Event("visibilitychange"))],
])("a device that waits connects at once when %s", async (_, hint) => {
  const { device } = await world(true);
  await until(device, () => device.state === "away");
  hint();
  await inStep(device);
});

it.each(["online", "offline"])(
  "a connected device makes sure that the hub is there when the browser says %s",
  async (hint) => {
    const { device, pings, sockets } = await world(false);
    await inStep(device);
    window.dispatchEvent(new Event(hint));
    await until(device, () => pings() === 1);
    expect([device.state, sockets.visits]).toEqual(["in_step", 1]);
  },
);

it("a device that was disconnected hears no hint any more", async () => {
  const { device, sockets } = await world(true);
  await until(device, () => device.state === "away");
  device.disconnect();
  window.dispatchEvent(new Event("online"));
  await Promise.resolve();
  expect([device.state, sockets.visits]).toEqual(["ended", 1]);
});
