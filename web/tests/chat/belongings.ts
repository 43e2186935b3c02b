// What a chat of a test has, as it would have it of the visit that it is part of.

import { type CommandRefused, type Device, openStore } from "../../src/lib/client";
import type { Belongings } from "../../src/lib/chat/chat.svelte";
import { Deletions } from "../../src/lib/chat/deletions.svelte";
import { Drafts } from "../../src/lib/chat/drafts";
import { Edits } from "../../src/lib/chat/edits.svelte";
import { excuse } from "../../src/lib/shell/excuse";
import { SessionStore } from "../../src/lib/sessions/sessions.svelte";

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
  const deletions = new Deletions((message) => device.delete(message).catch(excuse));
  leaving.push(sessions.start(), () => drafts.close());
  return { device, drafts, sessions, deletions, edits: new Edits(device, drafts) };
}
