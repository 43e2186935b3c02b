/** What must never be in the page, whatever somebody writes. An element that is not known to be harmless is one. */

const HARMLESS = new Set(
  [
    "div p h3 h4 h5 h6 ul ol li blockquote hr br strong em del code pre a bdi span",
    "table thead tbody tr th td figure figcaption button",
  ].flatMap((names) => names.split(" ")),
);
/** What KaTeX makes of a formula; only within one. */
const OF_FORMULAS = new Set(
  [
    "math semantics annotation mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder",
    "munderover mtable mtr mtd mstyle mpadded menclose mphantom mglyph svg path line",
  ].flatMap((names) => names.split(" ")),
);
const ATTRIBUTES = new Set("href rel target class dir start align tabindex role type aria-label".split(" "));
const OF_FORMULAS_ATTRIBUTES =
  /^(?:style|aria-hidden|xmlns|display|encoding|mathvariant|stretchy|fence|form|separator|accent|accentunder|lspace|rspace|minsize|maxsize|movablelimits|largeop|symmetric|width|height|depth|voffset|viewbox|preserveaspectratio|d|columnalign|columnspacing|rowspacing|scriptlevel|displaystyle|linethickness|mathcolor|mathbackground|mathsize|notation)$/;

export function offences(root: Element): string[] {
  return [...root.querySelectorAll("*")].flatMap((element) => {
    const inFormula = element.closest(".katex") !== null;
    const name = element.localName;
    const isKnown = HARMLESS.has(name) || (inFormula && OF_FORMULAS.has(name));
    return [...(isKnown ? [] : [`<${name}>`]), ...attributeOffences(element, inFormula)];
  });
}

function attributeOffences(element: Element, inFormula: boolean): string[] {
  return [...element.attributes].flatMap(({ name, value }) => {
    const said = `${element.localName} ${name}=${value}`;
    if (name === "href") return isSafeLink(element, value) ? [] : [said];
    if (name === "style" && /url\(|expression|import/i.test(value)) return [said];
    const isKnown = ATTRIBUTES.has(name) || (inFormula && OF_FORMULAS_ATTRIBUTES.test(name.toLowerCase()));
    return isKnown ? [] : [said];
  });
}

function isSafeLink(element: Element, href: string): boolean {
  const leaves = element.getAttribute("rel") === "noopener noreferrer nofollow";
  return /^(?:https?:\/\/|mailto:)/.test(href) && leaves && element.getAttribute("target") === "_blank";
}
