/**
 * The height that is left above an on-screen keyboard, as `--viewport` for the page's layout. Where the keyboard makes
 * the page smaller by itself (`interactive-widget` in index.html), the two are the same.
 */
export function followViewport(): () => void {
  const viewport = window.visualViewport;
  if (viewport === null) return () => undefined;
  const measure = () => {
    // Zoomed in by two fingers, the page keeps its size.
    if (viewport.scale > 1.01) return;
    document.documentElement.style.setProperty("--viewport", `${viewport.height}px`);
    if (viewport.offsetTop > 0) scrollTo(0, 0);
  };
  measure();
  viewport.addEventListener("resize", measure);
  return () => viewport.removeEventListener("resize", measure);
}
