// @vitest-environment node
// Whatever the network does, the outbox has each send done once.

import { describe, expect, it } from "vitest";
import { freshId } from "../../src/lib/client";
import type { Said } from "../../src/lib/client/commands";
import { KEPT, Outbox } from "../../src/lib/client/outbox";
import type { Problem } from "../../src/lib/client/wire";
import { chance } from "./chance";

const SESSIONS = [freshId(), freshId()];
const NOTHING = {};
const NOT_NOW: Problem = {
  type: "about:blank",
  title: "No",
  status: 503,
  detail: "no",
  code: "unavailable",
  retryable: true,
};

/** A hub that does each send once, by its id, and a wire that loses commands or answers when it breaks. */
class Network {
  readonly outbox = new Outbox();
  readonly given: string[] = [];
  readonly done = new Set<string>();
  readonly told: string[] = [];
  #onTheWay: Said[] = [];
  #answers: number[] = [];
  #now = 0;

  give(): void {
    const message = freshId();
    this.given.push(message);
    const session = SESSIONS[this.given.length % 2] as string;
    this.outbox.add({ type: "message.send", session, message, content: "x" });
  }
  speak(): void {
    this.#onTheWay.push(...this.outbox.due(this.#now));
  }
  arrive(): void {
    const command = this.#onTheWay.shift();
    if (command?.type !== "message.send") return;
    this.done.add(command.message);
    this.#answers.push(command.ref);
  }
  answer(): void {
    const ref = this.#answers.shift();
    if (ref === undefined) return;
    const command = this.outbox.find(ref);
    if (command?.type !== "message.send") throw new Error("an answer is to what waits for one");
    this.told.push(command.message);
    this.outbox.accept(ref, NOTHING, "old", 0);
  }
  putOff(): void {
    const command = this.#onTheWay.shift();
    if (command) expect(this.outbox.postpone(command.ref, NOT_NOW, this.#now + 2)).toBe(true);
  }
  wait(): void {
    this.#now += 1;
  }
  breakOff(): void {
    this.#onTheWay = [];
    this.#answers = [];
    this.outbox.lose();
  }
  settle(): void {
    while ([...this.outbox].some((item) => item.state === "queued" || item.state === "sent")) {
      for (const step of [this.wait, this.speak, this.arrive, this.answer]) step.call(this);
    }
  }
}

const STEPS = ["give", "speak", "arrive", "answer", "breakOff"] as const;
const LATER = [...STEPS, "putOff", "wait"] as const;

describe("whatever the network does", () => {
  const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

  function played(seed: number, steps: readonly (typeof LATER)[number][]): Network {
    const { below, of } = chance(seed);
    const network = new Network();
    for (let count = below(60); count > 0; count--) network[of(steps)]();
    return network;
  }

  it("each send is done once and in order", () => {
    for (const seed of SEEDS) {
      const network = played(seed, STEPS);
      network.settle();
      expect([...network.done], `seed ${seed}`).toEqual(network.given);
      expect([...network.told].sort()).toEqual([...network.given].sort());
    }
  });

  it("each send that is put off is done once", () => {
    for (const seed of SEEDS) {
      const network = played(seed, LATER);
      network.settle();
      expect(network.done, `seed ${seed}`).toEqual(new Set(network.given));
      expect([...network.told].sort()).toEqual([...network.given].sort());
    }
  });

  it("a hub that has forgotten everything has everything again", () => {
    for (const seed of SEEDS) {
      const network = played(seed, STEPS);
      network.breakOff();
      network.done.clear();
      network.outbox.renew("new", KEPT - 1);
      network.settle();
      expect([...network.done], `seed ${seed}`).toEqual(network.given);
    }
  });
});
