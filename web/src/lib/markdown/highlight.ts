/**
 * Code, cut into pieces that are coloured alike. highlight.js and each language are loaded when they are first needed.
 *
 * Its tree is taken, not its HTML: a component makes the elements.
 */
import type { HLJSApi, LanguageFn } from "highlight.js";

export interface Piece {
  text: string;
  /** Classes of the style sheet; empty: nothing special. */
  scope: string;
}

/** More than this is shown in one colour. */
const LONGEST = 20_000;

const LANGUAGES: Record<string, () => Promise<{ default: LanguageFn }>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  go: () => import("highlight.js/lib/languages/go"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  latex: () => import("highlight.js/lib/languages/latex"),
  python: () => import("highlight.js/lib/languages/python"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALSO_CALLED: Record<string, string> = {
  ...{ sh: "bash", shell: "bash", zsh: "bash", console: "bash", "c++": "cpp", "c#": "csharp", cs: "csharp" },
  ...{ js: "javascript", jsx: "javascript", mjs: "javascript", ts: "typescript", tsx: "typescript" },
  ...{ py: "python", python3: "python", rs: "rust", golang: "go", html: "xml", svg: "xml", svelte: "xml" },
  ...{ yml: "yaml", tex: "latex", patch: "diff", postgresql: "sql", jsonc: "json" },
};

let core: Promise<HLJSApi> | null = null;

/** Null: there are no colours for it. */
export async function piecesOf(code: string, language: string): Promise<Piece[] | null> {
  const called = language.toLowerCase();
  const name = Object.hasOwn(ALSO_CALLED, called) ? (ALSO_CALLED[called] ?? "") : called;
  const load = Object.hasOwn(LANGUAGES, name) ? LANGUAGES[name] : undefined;
  if (!load || code.length > LONGEST) return null;
  core ??= import("highlight.js/lib/core").then((module) => module.default);
  try {
    const [highlighter, grammar] = await Promise.all([core, load()]);
    if (!highlighter.getLanguage(name)) highlighter.registerLanguage(name, grammar.default);
    const found = highlighter.highlight(code, { language: name, ignoreIllegals: true });
    return flat((found._emitter as unknown as { rootNode: Branch }).rootNode, "");
  } catch {
    core = null; // the line was down; it is readable without colours
    return null;
  }
}

/** What the `_emitter` of highlight.js gathers, which lowlight takes as well. */
interface Branch {
  scope?: string;
  children: (Branch | string)[];
}

function flat(branch: Branch, around: string): Piece[] {
  const scope = branch.scope ? classesOf(branch.scope) : around;
  return branch.children.flatMap((child) =>
    typeof child === "string" ? [{ text: child, scope }] : flat(child, scope),
  );
}

/** "title.function" as the style sheets call it. */
function classesOf(scope: string): string {
  const [first = "", ...rest] = scope.split(".");
  return [`hljs-${first}`, ...rest.map((part) => `${part}_`)].join(" ");
}
