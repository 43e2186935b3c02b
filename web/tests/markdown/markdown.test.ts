/** How a message is shown: streaming markdown with math and code, whose finished blocks are not touched again. */
import { flushSync } from "svelte";
import { describe, expect, it, vi } from "vitest";
import { Chance, randomBeginnings, randomMarkdown } from "./random";
import { show } from "./shown";

function html(text: string): string {
  const shown = show(text, false);
  const found = shown.element.querySelector(".markdown")?.innerHTML.replace(/<!--.*?-->/g, "") ?? "";
  void shown.end();
  return found;
}

describe("a message", () => {
  it.each([
    [
      "**bold** *thin* ~~gone~~ `code`",
      "<strong>bold</strong> <em>thin</em> <del>gone</del> <code>code</code>",
    ],
    ["# One", "<h3>One</h3>"],
    ["###### Six", "<h6>Six</h6>"],
    ["- [x] done\n- [ ] to do", "<li>☑ done</li>"],
    ["3. three", '<ol start="3">'],
    ["| a |\n|--:|\n| 1 |", '<td align="right">1</td>'],
    ["| a |\n|---|\n| 1 |", '<div class="wide" role="group" tabindex="0"><table>'],
    ["<b>x</b> & <!-- y -->", "&lt;b&gt;x&lt;/b&gt; &amp; &lt;!-- y --&gt;"],
    ["x@y.example", 'href="mailto:x@y.example"'],
    [
      "[x](https://a.example/b)",
      'href="https://a.example/b" rel="noopener noreferrer nofollow" target="_blank">x</a>',
    ],
    ["[bank.example](https://evil.example/)", 'bank.example</a> <bdi class="host">(evil.example)</bdi>'],
    ["[x](javascript:alert(1)) y", "<p>x y</p>"],
    ["![a cat](https://evil.example/cat.png)", '>a cat</a> <bdi class="host">(evil.example)</bdi>'],
    ["![a cat](/api/media/x)", "<p>a cat</p>"],
    ["[x]: https://a.example", "<p>[x]: <a"],
    ["costs $5 and $10", "<p>costs $5 and $10</p>"],
  ])("is read as markdown: %s", (text, expected) => {
    expect(html(text)).toContain(expected);
  });

  it("does not name a host that the link itself names", () => {
    expect(html("https://www.a.example/b [see a.example](https://a.example)")).not.toContain("host");
  });

  it("goes in the direction of its own letters, block by block; code goes from left to right", () => {
    expect(html("שלום\n\nhello").match(/dir="auto"/g)).toHaveLength(2);
    expect(html("```\nx\n```")).toContain('dir="ltr"');
  });

  it("is plain beyond the bounds", () => {
    expect(html("*a*\n\n" + "b".repeat(50_000))).toContain('<p class="plain" dir="auto">bbb');
  });
});

describe("a message that is being written", () => {
  it("ends as if it had been there at once", async () => {
    for (let seed = 0; seed < 15; seed++) {
      const chance = new Chance(seed);
      const text = randomMarkdown(chance);
      const shown = show("", true);
      for (const beginning of randomBeginnings(chance, text, 25)) shown.say(beginning, true);
      shown.say(text, false);
      const whole = show(text, false);
      await settled();
      expect(shown.element.textContent, text).toBe(whole.element.textContent);
      expect(shown.element.innerHTML.replace(/<!--.*?-->/g, "")).toBe(
        whole.element.innerHTML.replace(/<!--.*?-->/g, ""),
      );
      await Promise.all([shown.end(), whole.end()]);
    }
  });

  it("leaves the elements of finished blocks alone", async () => {
    const shown = show("# One\n\nTwo **three**.\n\n```js\nlet x;\n```\n\n- a\n\nfour\n\n", true);
    shown.say("# One\n\nTwo **three**.\n\n```js\nlet x;\n```\n\n- a\n\nfour\n\nfive\n\nsix", true);
    await settled();
    const before = [...shown.element.querySelectorAll(".markdown > *")];
    const changes: MutationRecord[] = [];
    const observer = new MutationObserver((records) => void changes.push(...records));
    for (const block of before.slice(0, -1)) {
      observer.observe(block, { attributes: true, characterData: true, childList: true, subtree: true });
    }
    shown.say(
      "# One\n\nTwo **three**.\n\n```js\nlet x;\n```\n\n- a\n\nfour\n\nfive\n\nsix\n\nseven *eight*",
      true,
    );
    shown.say(
      "# One\n\nTwo **three**.\n\n```js\nlet x;\n```\n\n- a\n\nfour\n\nfive\n\nsix\n\nseven *eight* nine",
      false,
    );
    await settled();
    changes.push(...observer.takeRecords());
    expect([...shown.element.querySelectorAll(".markdown > *")].slice(0, before.length - 1)).toEqual(
      before.slice(0, -1),
    );
    expect(before.slice(0, -1).every((block) => block.isConnected)).toBe(true);
    expect(changes).toEqual([]);
    await shown.end();
  });
});

/** What is loaded when it is needed has come, and is shown. */
async function settled(): Promise<void> {
  await Promise.all([
    import("katex"),
    import("katex/dist/katex.min.css"),
    import("highlight.js/lib/core"),
    import("highlight.js/lib/languages/javascript"),
  ]);
  await new Promise((resolve) => setTimeout(resolve));
  flushSync();
}

describe("formulas", () => {
  it.each(["$x^2$", "\\(x^2\\)", "$$x^2$$", "\\[x^2\\]", "text $$x^2$$ text", "- $x^2$"])(
    "are drawn: %s",
    async (text) => {
      const shown = show(text, false);
      await vi.waitFor(() => expect(shown.element.querySelector(".katex math msup")).not.toBeNull());
      await shown.end();
    },
  );

  it.each(["$\\frac{1$", "$$\\unknown x$$", "$\\def\\x{\\x\\x}\\x$"])(
    "that cannot be read stay as they were written: %s",
    async (text) => {
      const shown = show(text, false);
      await settled();
      expect(shown.element.querySelector(".katex")).toBeNull();
      expect(shown.element.querySelector(".unread")?.textContent).toBe(text.replaceAll("$", ""));
      await shown.end();
    },
  );
});

describe("code", () => {
  it("gets its colours when it is finished, also within a list", async () => {
    const shown = show("1. So:\n\n   ```js\n   let x = 1;\n   ```", true);
    await settled();
    expect(shown.element.querySelector(".hljs-keyword")).toBeNull();
    shown.say("1. So:\n\n   ```js\n   let x = 1;\n   ```\n\n```js\nlet y", true);
    await settled();
    expect(shown.element.querySelector(".markdown > figure .hljs-keyword")).toBeNull();
    shown.say("1. So:\n\n   ```js\n   let x = 1;\n   ```\n\n```js\nlet y = 2\n```", false);
    await vi.waitFor(() => {
      flushSync();
      expect(shown.element.querySelectorAll("figure .hljs-keyword")).toHaveLength(2);
    });
    expect([...shown.element.querySelectorAll("pre")].map((pre) => pre.textContent)).toEqual([
      "let x = 1;",
      "let y = 2",
    ]);
    await shown.end();
  });

  it("is copied by a button, which says so", async () => {
    const written: string[] = [];
    Object.defineProperty(navigator, "clipboard", {
      configurable: true,
      value: { writeText: async (text: string) => void written.push(text) },
    });
    const shown = show("```python\nprint(1)\n```", false);
    const button = shown.element.querySelector("button");
    button?.click();
    await vi.waitFor(() => {
      flushSync();
      expect(button?.textContent).toBe("Copied");
    });
    expect(written).toEqual(["print(1)"]);
    expect(shown.element.querySelector("[role=status]")?.textContent).toBe("Copied");
    await shown.end();
  });

  it("says which language it is in, and is none the worse for one that nobody knows", async () => {
    const shown = show("```constructor onload=x\nx\n```", false);
    await settled();
    expect(shown.element.querySelector(".language")?.textContent).toBe("constructor");
    expect(shown.element.querySelector("code")?.textContent).toBe("x");
    await shown.end();
  });
});
