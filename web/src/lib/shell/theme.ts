/** Light, dark, or as the reader's machine says; tokens.css does the rest. */
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

export function isTheme(name: string | null): name is Theme {
  return themes.some((theme) => theme === name);
}

export function showTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
