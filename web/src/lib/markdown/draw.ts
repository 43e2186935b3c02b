/** What stands in prose but is not prose: formulas among the words, code within a list. Drawn once the HTML is there. */
import { mount, unmount } from "svelte";
import CodeBlock from "./CodeBlock.svelte";
import { drawFormula } from "./formulas";

/** Code is made a block with its button when the prose around it is `finished`. Returns how to take that back. */
export function drawIn(prose: HTMLElement, finished: boolean): (() => void) | undefined {
  for (const formula of prose.querySelectorAll("code.math")) {
    const place = document.createElement("span");
    place.className = formula.className;
    formula.replaceWith(place);
    drawFormula(place, formula.textContent, formula.classList.contains("display"));
  }
  if (!finished) return undefined;
  const blocks = [...prose.querySelectorAll("pre")].map(inItsPlace);
  return () => void Promise.all(blocks.map((block) => unmount(block)));
}

function inItsPlace(pre: HTMLPreElement): Record<string, unknown> {
  const code = pre.firstElementChild;
  const place = document.createElement("div");
  pre.replaceWith(place);
  const language = code?.className.replace(/^language-/, "") ?? "";
  return mount(CodeBlock, {
    target: place,
    props: { code: code?.textContent ?? "", language, finished: true },
  });
}
