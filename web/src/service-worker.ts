/**
 * Keeps the page, so that it opens without the hub. It never sees what is said: requests of the API are not its own.
 *
 * A page is fetched anew whenever the hub answers soon; its files, which never change, come from what is kept. A new
 * version waits until no page of the old one is open, whose files it would take away.
 */
declare const __SHELL__: { paths: string[]; version: string };

const worker = self as unknown as ServiceWorkerGlobalScope;
const shell = __SHELL__;
const kept = `shell-${shell.version}`;
const ANSWERS_WITHIN = 3_000; // ms; a page that is kept is better than a longer wait

worker.addEventListener("install", (event) => {
  event.waitUntil(keep());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetOthers(), worker.clients.claim()]));
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (event.request.mode === "navigate") {
    if (url.pathname === "/" || url.pathname.startsWith("/s/")) event.respondWith(page(event.request));
  } else if (shell.paths.includes(url.pathname)) {
    event.respondWith(file(event.request));
  }
});

async function keep(): Promise<void> {
  const cache = await caches.open(kept);
  await cache.addAll(shell.paths.map((path) => new Request(path, { cache: "no-cache" })));
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== kept).map((name) => caches.delete(name)));
}

async function page(request: Request): Promise<Response> {
  const old = await caches.match("/", { cacheName: kept, ignoreVary: true });
  try {
    const fresh = await fetch(request, old ? { signal: AbortSignal.timeout(ANSWERS_WITHIN) } : {});
    return fresh.ok || !old ? fresh : old;
  } catch (error) {
    if (old) return old;
    throw error;
  }
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request.url, { cacheName: kept, ignoreVary: true })) ?? fetch(request);
}
