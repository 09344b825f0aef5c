// The service worker: keeps the files of the page, so that it opens without a connection. It never touches calls of the gateway.

const CACHE = "confab-shell";
const ASSETS_MAX = 80;
const scope = new URL(self.registration.scope);

self.addEventListener("install", (event) => {
  // A call that is made while the page is closed is lost if it has to wake this worker.
  event.addRoutes?.({ condition: { urlPattern: { pathname: `${scope.pathname}v1/*` } }, source: "network" });
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(scope.href)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.origin) return;
  if (url.pathname === scope.pathname && request.mode === "navigate") event.respondWith(newest(request));
  else if (url.pathname.startsWith(`${scope.pathname}assets/`)) event.respondWith(kept(request));
});

/** The page itself: from the network, or the kept one without a connection. */
async function newest(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(scope.href, answer.clone());
    return answer;
  } catch (error) {
    const page = await cache.match(scope.href);
    if (page) return page;
    throw error;
  }
}

/** A file whose name contains its hash never changes. The oldest files are removed. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const files = (await cache.keys()).filter(({ url }) => url !== scope.href);
    await Promise.all(files.slice(0, Math.max(0, files.length - ASSETS_MAX)).map((file) => cache.delete(file)));
  }
  return answer;
}
