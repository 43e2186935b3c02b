// @vitest-environment node
// A send that the hub refuses where nobody sees it is told of, once.

import { beforeEach, describe, expect, it } from "vitest";
import { type Device, freshId } from "../../src/lib/client";
import { Failures } from "../../src/lib/chat/failures";
import { hasHub } from "../client/hub";
import { Scene } from "./scene";

describe.skipIf(!hasHub)(
  "a refused send (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)",
  () => {
    const scene = new Scene();
    const here = freshId();
    let told: string[];
    let device: Device;
    let leave: () => void;

    beforeEach(() => {
      told = [];
      device = scene.stage.device(freshId());
      listen();
    });

    function listen(): void {
      const failures = new Failures(device, {
        isSeen: (session) => session === here,
        tell: (_session, message) => told.push(message),
      });
      leave = failures.start();
      scene.leaving.push(leave);
    }

    /** Into a session that is not there. Returns the message's id. */
    async function fail(session: string): Promise<string> {
      const message = freshId();
      await expect(device.send(session, "Is anybody here?", { message })).rejects.toThrow("no such thing");
      return message;
    }

    it("is told of, once", async () => {
      const message = await fail(freshId());
      const another = await fail(freshId());
      expect(told).toEqual([message, another]);
    });

    it("is not told of where it is seen", async () => {
      await fail(here);
      expect(told).toEqual([]);
    });

    it("is not told of again by the next visit, but is if it fails once more", async () => {
      const session = freshId();
      const message = await fail(session);
      leave();
      listen();
      const another = await fail(session);
      expect(told).toEqual([message, another]);
      told = [];
      device.forget(message);
      await expect(device.send(session, "Now?", { message })).rejects.toThrow("no such thing");
      expect(told).toEqual([message]);
    });
  },
);
