/**
 * Tells parts of a list when they come near to the view and when they leave it. Those that come are told one a frame,
 * the nearest first, because each is a lot to draw; those that leave are told at once, and how high they are.
 */
type Told = (isNear: boolean, height: number) => void;

/** Pixels around the view. */
const NEAR = 3_000;

export class Nearness {
  readonly #told = new Map<Element, Told>();
  readonly #coming = new Set<Element>();
  #observer: IntersectionObserver | null = null;
  #frame: number | null = null;

  /** `root` is what scrolls. Returns how to stop. */
  watch(part: Element, root: Element, told: Told): () => void {
    this.#observer ??= new IntersectionObserver((entries) => entries.forEach((entry) => this.#hear(entry)), {
      root,
      rootMargin: `${NEAR}px 0px`,
    });
    this.#told.set(part, told);
    this.#observer.observe(part);
    return () => {
      this.#observer?.unobserve(part);
      this.#told.delete(part);
      this.#coming.delete(part);
    };
  }

  #hear({ target, isIntersecting, boundingClientRect }: IntersectionObserverEntry): void {
    if (isIntersecting) {
      this.#coming.add(target);
      this.#frame ??= requestAnimationFrame(() => this.#next());
    } else {
      this.#coming.delete(target);
      this.#told.get(target)?.(false, boundingClientRect.height);
    }
  }

  #next(): void {
    const [nearest] = [...this.#coming].sort((one, other) => distance(one) - distance(other));
    if (nearest !== undefined) {
      this.#coming.delete(nearest);
      this.#told.get(nearest)?.(true, 0);
    }
    this.#frame = this.#coming.size > 0 ? requestAnimationFrame(() => this.#next()) : null;
  }
}

/** From the middle of the window. */
function distance(part: Element): number {
  const { top, bottom } = part.getBoundingClientRect();
  const middle = innerHeight / 2;
  return Math.max(top - middle, middle - bottom, 0);
}
