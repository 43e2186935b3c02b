/** Puts a text on the clipboard, and for a moment knows how that went. */
const SHOWN_FOR = 2_000;

export class Copying {
  /** Null: nothing was copied just now. "failed": the browser does not allow it here. */
  state = $state<"copied" | "failed" | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  async copy(text: string): Promise<void> {
    clearTimeout(this.#timer);
    this.state = await written(text);
    this.#timer = setTimeout(() => (this.state = null), SHOWN_FOR);
  }
}

async function written(text: string): Promise<"copied" | "failed"> {
  try {
    await navigator.clipboard.writeText(text);
    return "copied";
  } catch {
    return "failed";
  }
}
