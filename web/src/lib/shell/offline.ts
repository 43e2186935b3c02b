/** Has the service worker keep the page, where the browser lets it; a page that is not kept works as well, online. */

const WORKER = "/service-worker.js";

export async function keepForOffline(): Promise<boolean> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return false;
  try {
    await navigator.serviceWorker.register(trusted(WORKER));
    return true;
  } catch {
    return false; // storage is blocked, as in some private windows
  }
}

/** Of all addresses of scripts the only one that is made while the page runs. */
function trusted(path: string): string {
  const policy = window.trustedTypes?.createPolicy("tutorhub-worker", { createScriptURL: (asked) => asked });
  return (policy?.createScriptURL(path) ?? path) as string; // the DOM's types know text only
}
