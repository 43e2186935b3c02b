/** Markdown in one line of a list: its words without its marks, also those of code, the links without their addresses. */
export function plain(markdown: string): string {
  return markdown
    .replace(/^```.*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s{0,3}(#{1,6}|>|[-*+])\s+/gm, "")
    .replace(/(\*\*|__|`)/g, "")
    .replace(/\n{2,}/g, "\n")
    .trim();
}
