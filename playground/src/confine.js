// Removes from a worker what could load, send or store data. The page's content security policy does not cover workers:
// a worker has the policy of its own response.

const NAMES = [
  // Requests, and scripts and workers with requests of their own.
  "fetch",
  "XMLHttpRequest",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "EventSource",
  "importScripts",
  "Worker",
  "SharedWorker",
  // Fonts and icons are requests too.
  "FontFace",
  "fonts",
  "Notification",
  // Storage, and other tabs of the same site.
  "caches",
  "indexedDB",
  "BroadcastChannel",
  "webkitRequestFileSystem",
  "webkitRequestFileSystemSync",
  "webkitResolveLocalFileSystemURL",
  "webkitResolveLocalFileSystemSyncURL",
  // Buckets of storage, whose caches make requests; devices.
  "navigator",
];

/** Removes them from the global object of a worker, and from all of its prototypes. */
export function confine(scope) {
  for (const name of NAMES) {
    for (let owner = scope; owner; owner = Object.getPrototypeOf(owner)) Reflect.deleteProperty(owner, name);
    Object.defineProperty(scope, name, { value: undefined });
  }
}
