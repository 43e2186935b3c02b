/** What this browser remembers between visits; where it may not remember, as in private mode, it forgets in peace. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`tutorhub.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`tutorhub.${name}`);
    else localStorage.setItem(`tutorhub.${name}`, value);
  } catch {
    // Full or forbidden: what was chosen holds for this visit.
  }
}
