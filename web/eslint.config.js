import svelte from "eslint-plugin-svelte";
import ts from "typescript-eslint";

/** A room whose files import nothing of others. */
function apart(room, others) {
  return {
    files: [`src/lib/${room}/**`],
    rules: { "no-restricted-imports": ["error", { patterns: [{ group: others }] }] },
  };
}

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/lib/client/wire.ts"] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"] } },
  },
  // The client is a package of its own.
  apart("client", ["../*", "svelte", "svelte/*", "*.svelte"]),
  // What is shown everywhere knows nothing of where.
  apart("{i18n,markdown,media}", ["**/account/*", "**/chat/*", "**/sessions/*", "**/shell/app.svelte"]),
  {
    rules: {
      "svelte/no-at-html-tags": "error", // the one component that may is lib/markdown/Block.svelte
      "svelte/prefer-svelte-reactivity": "off", // what is shown is a rune; a Map that keeps the books beside it is not
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
);
