/** What this browser remembers between visits, or this tab until it is closed; where it may not, it forgets in peace. */
type Lasts = "browser" | "tab";

const named = (name: string) => `tutorhub.${name}`;
// Even to look for a storage that is forbidden throws.
const storage = (lasts: Lasts) => (lasts === "browser" ? localStorage : sessionStorage);

export function recall(name: string, lasts: Lasts = "browser"): string | null {
  try {
    return storage(lasts).getItem(named(name));
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null, lasts: Lasts = "browser"): void {
  try {
    if (value === null) storage(lasts).removeItem(named(name));
    else storage(lasts).setItem(named(name), value);
  } catch {
    // Full or forbidden: it holds for this visit.
  }
}
