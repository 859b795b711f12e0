// The page's files, kept by the browser, so that it works without a network. Each build has a store of its own.

importScripts("files.js");

// Other pages of this host may be other copies.
const PLACE = `edge-dce ${self.registration.scope} `, NAME = PLACE + self.BUILD;

async function keep() {
  // The browser asks whether what it has is still right, and gets no file twice.
  await (await caches.open(NAME)).addAll(self.FILES.map((name) => new Request(name, { cache: "no-cache" })));
  await self.skipWaiting();
}

async function forget() {
  const old = (await caches.keys()).filter((name) => name.startsWith(PLACE) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function find(request) {
  return (await (await caches.open(NAME)).match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forget()));
self.addEventListener("fetch", (event) => event.respondWith(find(event.request)));
