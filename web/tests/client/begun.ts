// Before all tests: a data folder, as a hub leaves it that was started once. To make a PostgreSQL and its tables takes
// longer than most tests of a file together, so each hub begins with a copy.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BEGUN, hasHub, Hub } from "./hub";

export default async function begun(): Promise<() => void> {
  if (!hasHub) return () => undefined;
  const folder = mkdtempSync(join(tmpdir(), "tutorhub-web-begun-"));
  const hub = new Hub("http://127.0.0.1:9/v1", {}, folder);
  await hub.start();
  await hub.end();
  process.env[BEGUN] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
