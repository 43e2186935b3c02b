/**
 * Prose as HTML that may be put into the page.
 *
 * Two walls, each of which would do: the renderer writes no element or attribute but the few below, with everything of
 * the text's escaped; and whatever comes out goes through DOMPurify, which lets nothing pass but these. A browser that
 * knows Trusted Types takes HTML from nobody but the policy here. Math and code are drawn by draw.ts, not as HTML.
 */
import DOMPurify, { type Config } from "dompurify";
import type { Token, Tokens } from "marked";
import { grammar, type MathToken } from "./grammar";
import { hostOf, hostToShow, leadsTo } from "./links";

const ALLOWED: Config = {
  ALLOWED_TAGS: [
    ..."p h3 h4 h5 h6 ul ol li blockquote hr br strong em del code pre a bdi span div".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "rel", "target", "class", "start", "align", "tabindex", "role"],
  ADD_URI_SAFE_ATTR: ["rel", "target", "start", "align", "tabindex", "role"], // of the others, each is held to be one
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};
/** The page has its own two above them. */
const HEADING_SHIFT = 2;
const KEPT = 500;

function escaped(text: string): string {
  const written: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (letter) => written[letter] ?? "");
}

function anchor(url: URL, inner: string): string {
  return `<a href="${escaped(url.href)}" rel="noopener noreferrer nofollow" target="_blank">${inner}</a>`;
}

function beside(host: string): string {
  return ` <bdi class="host">(${escaped(host)})</bdi>`;
}

grammar.use({
  extensions: [
    {
      name: "math",
      renderer: (token) => {
        const { text, display } = token as MathToken;
        return `<code class="${display ? "math display" : "math"}">${escaped(text)}</code>`;
      },
    },
    {
      name: "openMath",
      renderer({ tokens = [] }) {
        return `<p>${this.parser.parseInline(tokens)}</p>`;
      },
    },
  ],
  renderer: {
    heading({ tokens, depth }: Tokens.Heading): string {
      const level = Math.min(depth + HEADING_SHIFT, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    code({ text, lang }: Tokens.Code): string {
      const language = /^[\w+#.-]+/.exec(lang ?? "")?.[0] ?? "";
      return `<pre tabindex="0"><code class="language-${escaped(language)}">${escaped(text)}</code></pre>`;
    },
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    table(token: Tokens.Table): string {
      const row = (cells: Tokens.TableCell[]) =>
        this.tablerow({ text: cells.map((cell) => this.tablecell(cell)).join("") });
      const body = token.rows.map(row).join("");
      const table = `<table><thead>${row(token.header)}</thead><tbody>${body}</tbody></table>`;
      return `<div class="wide" role="group" tabindex="0">${table}</div>`;
    },
    link({ href, tokens, text }: Tokens.Link): string {
      const inner = this.parser.parseInline(tokens);
      const url = leadsTo(href);
      if (!url) return inner;
      const host = hostToShow(url, text);
      return anchor(url, inner) + (host ? beside(host) : "");
    },
    image({ href, text }: Tokens.Image): string {
      const url = leadsTo(href);
      return url ? anchor(url, escaped(text || url.href)) + beside(hostOf(url)) : escaped(text);
    },
  },
});

declare const sanitised: unique symbol;
/** Made here alone: TrustedHTML, or a string where the browser does not know Trusted Types. */
interface SafeHtml {
  [sanitised]: true;
}
interface Policy {
  createHTML(dirty: string): SafeHtml;
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(dirty: string): string }): Policy;
}

/** The second wall. */
export function purified(dirty: string): string {
  return DOMPurify.sanitize(dirty, ALLOWED);
}

const rules = { createHTML: purified };
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy("tutorhub", rules) ?? (rules as unknown as Policy);

const kept = new Map<string, SafeHtml>();

/** What a block of prose looks like. Remembered by its text, so that a list that is scrolled back costs nothing. */
export function htmlOf(text: string, keep: boolean): SafeHtml {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const html = policy.createHTML(written(text));
  if (keep) remember(text, html);
  return html;
}

function remember(text: string, html: SafeHtml): void {
  kept.set(text, html);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value ?? "");
}

/** The first wall: HTML of our own making. What no reader has thought of is shown as it is. */
export function written(text: string): string {
  try {
    return grammar.parser(grammar.lexer(text) as Token[]);
  } catch {
    return `<p>${escaped(text)}</p>`;
  }
}
