// What tests of devices share: devices of a hub that are disconnected at the end, and waiting for what they show.

import { connect, freshId, Rest, type Connecting, type Device, type Message } from "../../src/lib/client";

export class Stage {
  readonly #devices: Device[] = [];

  constructor(readonly url: string) {}

  device(user: string, options: Partial<Connecting> = {}): Device {
    const url = options.url ?? this.url;
    const token = async () => (await new Rest(url, async () => "").devSignIn(user)).token;
    const device = connect({ url, token, who: { id: freshId(), name: "test" }, ...options });
    this.#devices.push(device);
    return device;
  }

  close(): void {
    for (const device of this.#devices.splice(0)) device.disconnect();
  }
}

/** Returns once the condition holds; it is looked at now and after whatever happens to the device. */
export function until(device: Device, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!condition()) return;
      stop();
      resolve();
    };
    const stop = device.on(look);
    look();
  });
}

export function inStep(device: Device): Promise<void> {
  return until(device, () => device.state === "in_step");
}

/** What a device shows of a message. */
export function shows(device: Device, message: string): string | undefined {
  const row = device.timeline.messages.get(message);
  return row && device.timeline.textOf(row);
}

export async function settled(device: Device, reply: string): Promise<Message> {
  const ended = () => {
    const row = device.timeline.messages.get(reply);
    return row !== undefined && row.status !== "pending" ? row : null;
  };
  await until(device, () => ended() !== null);
  return ended() as Message;
}
