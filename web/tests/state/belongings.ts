// What a chat of a test has, as it would have it of the visit that it is part of.

import { type CommandRefused, type Device, openStore } from "../../src/lib/client";
import type { Belongings } from "../../src/lib/state/chat.svelte";
import { Deletions } from "../../src/lib/state/deletions.svelte";
import { Drafts } from "../../src/lib/state/drafts";
import { Edits } from "../../src/lib/state/edits.svelte";
import { SessionStore } from "../../src/lib/state/sessions.svelte";

/** `leaving` is told how to leave, `refusals` what was refused. */
export async function belongings(
  device: Device,
  user: string,
  leaving: (() => void)[],
  refusals: string[] = [],
): Promise<Belongings> {
  const drafts = new Drafts(await openStore(user), user);
  const refused = ({ problem }: CommandRefused) => refusals.push(problem.code);
  const sessions = new SessionStore(device, { refused, removed: () => undefined });
  const deletions = new Deletions((message) =>
    device.delete(message).then(
      () => true,
      () => false,
    ),
  );
  leaving.push(sessions.start(), () => drafts.close());
  return { device, drafts, sessions, deletions, edits: new Edits(device) };
}
