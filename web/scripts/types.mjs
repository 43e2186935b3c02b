// Writes src/lib/client/wire.ts: the types of the protocol, made from the Python ones. `npm run types` after a change
// of protocol/; with --check it only says whether that was done. TUTORHUB_PYTHON is the Python of the hub, if it is not the one of `make`.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import prettier from "prettier";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = fileURLToPath(new URL("../src/lib/client/wire.ts", import.meta.url));
const python = process.env.TUTORHUB_PYTHON ?? `${root}.venv/bin/python`;

const HEAD = `/**
 * What is said between a device and the hub.
 *
 * Made from protocol/ by \`npm run types\`.
 */
`;

/** What the generator says of each type, and nobody needs to know. */
const HEARSAY =
  /( \*\n)? \* This interface was referenced by `Wire`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;

/** The text of wire.ts as it should be. */
async function wire() {
  const printed = execFileSync(python, ["-m", "protocol.schema", "json"], { cwd: root, encoding: "utf8" });
  const { $defs: definitions } = JSON.parse(printed.replaceAll("#/$defs/", "#/definitions/"));
  const types = await compile({ type: "object", definitions: tidied(definitions) }, "Wire", {
    bannerComment: HEAD,
    additionalProperties: false,
    unreachableDefinitions: true,
  });
  const own = types
    .replaceAll(HEARSAY, "")
    .replaceAll("/**\n */\n", "")
    .replace(/export interface Wire \{\s*\}\n/, "");
  return prettier.format(own, {
    ...(await prettier.resolveConfig(target)),
    parser: "typescript",
    plugins: [],
  });
}

/** What is left out is left out, never null. */
function tidied(value) {
  if (Array.isArray(value)) return value.map(tidied);
  if (value === null || typeof value !== "object") return value;
  if (value.default === null) return tidied(value.anyOf.find((each) => each.type !== "null"));
  const entries = Object.entries(value).filter(
    ([name, each]) => name !== "title" || typeof each !== "string",
  );
  return Object.fromEntries(entries.map(([name, each]) => [name, tidied(each)]));
}

const made = await wire();
if (!process.argv.includes("--check")) {
  writeFileSync(target, made);
} else if (readFileSync(target, "utf8") !== made) {
  throw new Error("wire.ts is not what protocol/ says: run `npm run types`.");
}
