/** What others write cannot act: row 23 of the threats, whole and cut at each place while it is being written. */
import "katex"; // here already, so that a formula is drawn at once
import { describe, expect, it } from "vitest";
import { Blocks } from "../../src/lib/markdown/blocks";
import { purified, written } from "../../src/lib/markdown/html";
import { offences } from "./offences";
import payloads from "./payloads.json";
import { show } from "./shown";

async function drawn(): Promise<void> {
  await import("katex/dist/katex.min.css");
  await new Promise((resolve) => setTimeout(resolve)); // the promise of drawFormula is fulfilled before a timer
}

const kinds = [...new Set(payloads.map(({ kind }) => kind))];

function textsOf(kind: string): string[] {
  return payloads.filter((payload) => payload.kind === kind).map(({ text }) => text);
}

function beginningsOf(text: string): string[] {
  return Array.from(text, (_, at) => text.slice(0, at + 1));
}

function parsed(html: string): Element {
  const root = document.createElement("div");
  root.innerHTML = html;
  return root;
}

/** It cannot know of `rel` and `target`: those are the first wall's. */
function offencesOfPurified(html: string): string[] {
  return offences(parsed(html)).filter((offence) => !/^a href=(?:https?|mailto):/.test(offence));
}

describe("nothing that a message says can act", () => {
  it("is tried with enough payloads, of all kinds", () => {
    expect(new Set(payloads.map(({ text }) => text)).size).toBeGreaterThanOrEqual(200);
  });

  it.each(kinds)("whole, in the page: %s", { timeout: 60_000 }, async (kind) => {
    for (const text of textsOf(kind)) {
      const shown = show(text, false);
      await drawn();
      expect(offences(shown.element), text).toEqual([]);
      await shown.end();
    }
  });

  it.each(kinds)("cut in the middle and once more, in the page: %s", { timeout: 60_000 }, async (kind) => {
    for (const text of textsOf(kind)) {
      const shown = show(text.slice(0, text.length / 2), true);
      expect(offences(shown.element), text).toEqual([]);
      shown.say(text.slice(0, -1), true);
      expect(offences(shown.element), text).toEqual([]);
      shown.say(text, false);
      await drawn();
      expect(offences(shown.element), text).toEqual([]);
      await shown.end();
    }
  });

  it.each(kinds)("cut at each place, by the first wall alone: %s", { timeout: 60_000 }, (kind) => {
    for (const text of textsOf(kind)) {
      const blocks = new Blocks();
      for (const part of beginningsOf(text)) {
        for (const block of blocks.of(part, true))
          expect(offences(parsed(written(block.text))), part).toEqual([]);
      }
    }
  });

  it.each(kinds)("as HTML, by the second wall alone: %s", (kind) => {
    for (const text of textsOf(kind)) expect(offencesOfPurified(purified(text)), text).toEqual([]);
  });
});

describe("the look for offences", () => {
  it.each([
    "<script></script>",
    "<img src=x onerror=alert(1)>",
    "<p onclick=alert(1)>",
    "<p id=document>",
    "<p style='color: red'>",
    "<a href=javascript:alert(1) rel='noopener noreferrer nofollow' target=_blank>",
    "<a href=https://evil.example>",
    "<svg></svg>",
    "<span class=katex><a href=https://evil.example></a></span>",
    "<span class=katex><i style='background: url(https://evil.example)'></i></span>",
  ])("finds %s", (html) => {
    expect(offences(parsed(html))).not.toEqual([]);
  });
});
