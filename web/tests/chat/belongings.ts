// What a chat of a test has, as it would have it of the visit that it is part of.

import { type CommandRefused, type Device, openStore, Rest } from "../../src/lib/client";
import type { Belongings } from "../../src/lib/chat/chat.svelte";
import type { Surroundings } from "../../src/lib/chat/composer.svelte";
import { Composers } from "../../src/lib/chat/composers";
import { Deletions } from "../../src/lib/chat/deletions.svelte";
import { Drafts } from "../../src/lib/chat/drafts";
import { Edits } from "../../src/lib/chat/edits.svelte";
import { excuse } from "../../src/lib/shell/excuse";
import { SessionStore } from "../../src/lib/sessions/sessions.svelte";

/** `leaving` is told how to leave, `refusals` what was refused, `lost` what was written of messages that are gone. */
export async function belongings(
  device: Device,
  user: string,
  leaving: (() => void)[],
  refusals: string[] = [],
  lost: string[] = [],
): Promise<Belongings & Surroundings> {
  const drafts = new Drafts(await openStore(user), user);
  const rest = new Rest("http://127.0.0.1:9", async () => ""); // only a browser sends files
  const composers = new Composers({ device, rest, drafts });
  const refused = ({ problem }: CommandRefused) => refusals.push(problem.code);
  const sessions = new SessionStore(device, {
    refused,
    notRestored: () => refusals.push("nothing to restore"),
    removed: () => undefined,
  });
  const deletions = new Deletions((message) => device.delete(message).catch(excuse));
  leaving.push(
    sessions.start(),
    () => composers.close(),
    () => drafts.close(),
  );
  const edits = new Edits(device, drafts, (_, text) => lost.push(text));
  return { device, rest, drafts, composers, sessions, deletions, edits };
}
