/** The end of a build: its service worker is told which files make up the page, and what packs well is packed once. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const WORKER = "service-worker.js";
const PACKS_WELL = /\.(css|html|js|json|svg|txt|webmanifest)$/;
/** Browsers of these years all take woff2; a font's other forms are never asked for. */
const NEVER_ASKED_FOR = /\.(woff|ttf)$/;
const SMALL = 1_000; // bytes, below which packing saves nothing

export function shell(): Plugin {
  let folder = "";
  return {
    name: "tutorhub-shell",
    apply: "build",
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir);
    },
    writeBundle: {
      order: "post",
      handler: () => {
        tellTheWorker(folder);
        packed(folder);
      },
    },
  };
}

function tellTheWorker(folder: string): void {
  const files = filesIn(folder).filter((name) => name !== WORKER && !NEVER_ASKED_FOR.test(name));
  const version = createHash("sha256");
  for (const name of files) version.update(name).update(readFileSync(join(folder, name)));
  const paths = files.map((name) => (name === "index.html" ? "/" : `/${name}`));
  const told = { paths, version: version.digest("hex").slice(0, 16) };
  const worker = readFileSync(join(folder, WORKER), "utf8");
  if (!worker.includes("__SHELL__")) throw new Error(`${WORKER} does not ask what the shell is.`);
  writeFileSync(
    join(folder, WORKER),
    worker.replace("__SHELL__", () => JSON.stringify(told)),
  );
}

function packed(folder: string): void {
  for (const name of filesIn(folder).filter((each) => PACKS_WELL.test(each))) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    if (bytes.length >= SMALL) writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

/** In the same order on every machine, so that the same page has the same version. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".") && !entry.name.endsWith(".gz"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
