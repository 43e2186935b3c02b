/**
 * What the whole page shares: who is signed in, their device, and what they chose. Made once by App.svelte and handed
 * down through Svelte's context, so that no module holds state of its own.
 */
import { getContext, setContext } from "svelte";
import type { Device } from "../client";
import { speak } from "../i18n/index.svelte";
import { isLanguage, type Language, preferred } from "../i18n/messages";
import { recall, remember } from "./kept";
import { isTheme, showTheme, type Theme } from "./theme";

export class App {
  /** Null until somebody is signed in. */
  device = $state.raw<Device | null>(null);
  theme = $state<Theme>("system");
  language = $state<Language>("en");

  constructor() {
    const theme = recall("theme");
    this.useTheme(isTheme(theme) ? theme : "system");
    const language = recall("language") ?? "";
    void this.useLanguage(isLanguage(language) ? language : preferred(navigator.languages));
  }

  useTheme(theme: Theme): void {
    this.theme = theme;
    showTheme(theme);
    remember("theme", theme === "system" ? null : theme);
  }

  async useLanguage(language: Language): Promise<void> {
    await speak(language);
    this.language = language;
  }
}

const key = Symbol("app");

export function provideApp(app: App): App {
  return setContext(key, app);
}

export function useApp(): App {
  return getContext<App>(key);
}
