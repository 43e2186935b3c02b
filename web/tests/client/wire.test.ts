// @vitest-environment node
// The types of the wire are made from the Python ones, and must not be older than they are.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const web = join(import.meta.dirname, "../..");
const python = process.env.TUTORHUB_PYTHON ?? join(web, "../.venv/bin/python");

it.skipIf(!existsSync(python))("wire.ts says what protocol/ says", () => {
  const check = () =>
    execFileSync(process.execPath, ["scripts/types.mjs", "--check"], { cwd: web, stdio: "pipe" });
  expect(check).not.toThrow();
});
