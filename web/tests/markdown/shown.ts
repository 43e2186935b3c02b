/** Shows markdown in the page of the tests, and grows it as a tutor would. */
import { flushSync, mount, unmount } from "svelte";
import Markdown from "../../src/lib/markdown/Markdown.svelte";
import Growing from "./Growing.svelte";

export interface Shown {
  element: HTMLElement;
  /** From now on this is the text. */
  say(text: string, streaming: boolean): void;
  end(): Promise<void>;
}

export function show(text: string, streaming: boolean): Shown {
  const element = document.body.appendChild(document.createElement("div"));
  const component = mount(Growing, { target: element, props: { component: Markdown, text, streaming } });
  flushSync();
  return {
    element,
    say(next, goesOn) {
      component.say(next, goesOn);
      flushSync();
    },
    async end() {
      await unmount(component);
      element.remove();
    },
  };
}
