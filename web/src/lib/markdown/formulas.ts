/**
 * Formulas, drawn by KaTeX, which is loaded when the first one is seen.
 *
 * KaTeX builds elements, never HTML, and is trusted with nothing: no links, no pictures, no classes of the text's. What
 * it cannot read stays as it was written.
 */
const LONGEST = 2_000;
const KEPT = 300;
const OPTIONS = {
  throwOnError: true,
  trust: false,
  strict: false,
  maxExpand: 200,
  maxSize: 20,
  output: "htmlAndMathml",
} as const;

type Katex = typeof import("katex").default;

let loading: Promise<Katex> | null = null;
let katex: Katex | null = null;
const drawn = new Map<string, Element | null>();

async function loaded(): Promise<Katex> {
  loading ??= Promise.all([import("katex"), import("katex/dist/katex.min.css")]).then(
    ([module]) => module.default,
  );
  try {
    return (katex = await loading);
  } catch (error) {
    loading = null; // the line was down: the next formula tries again
    throw error;
  }
}

/** Puts the formula into `element`, at once if KaTeX is there. Without it, or if it is none, the source stays. */
export function drawFormula(element: Element, source: string, display: boolean): void {
  if (katex) return put(katex, element, source, display);
  element.textContent = source;
  loaded().then(
    (there) => put(there, element, source, display),
    () => undefined,
  );
}

function put(there: Katex, element: Element, source: string, display: boolean): void {
  const name = `${display}${source}`;
  if (!drawn.has(name)) remember(name, formula(there, source, display));
  const copy = drawn.get(name)?.cloneNode(true);
  element.classList.toggle("unread", copy === undefined);
  element.replaceChildren(copy ?? source);
}

function formula(there: Katex, source: string, displayMode: boolean): Element | null {
  if (source.length > LONGEST) return null;
  const element = document.createElement("span");
  try {
    there.render(source, element, { ...OPTIONS, displayMode });
  } catch {
    return null; // not TeX
  }
  return element.firstElementChild;
}

function remember(name: string, element: Element | null): void {
  drawn.set(name, element);
  if (drawn.size > KEPT) drawn.delete(drawn.keys().next().value ?? "");
}
