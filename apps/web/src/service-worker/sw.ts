/**
 * Keeps the app's own files, so that it opens without a network. It answers for the files of its build and for nothing else: what
 * goes to a server (`/v1/`, a dialect, a gate) never passes through here and is never kept.
 *
 * Each build has a cache of its own, filled as a whole or not at all: every file is checked against its digest, so that a
 * deployment under way cannot mix two builds. A new one waits until a person asks for it. Tabs that still run the build before may
 * want more of its files, so the last one is kept beside the new one.
 */

/** Put in by the build: see build/service-worker.ts. */
declare const BUILD: {
  readonly version: string
  /** Path of each file, and the `sha256-…` of its content. */
  readonly files: Readonly<Record<string, string>>
}
declare const self: ServiceWorkerGlobalScope

const PREFIX = 'lockstep-app-'
const CACHE = PREFIX + BUILD.version
/** Says which build's cache is in use, under one key. */
const STATE = 'lockstep-app'
const IN_USE = '/in-use'
/** The page. Asked for with a query (`/?gate`) it comes from the server: a gate in front may have something to ask. */
const PAGE = '/'

async function cacheInUse(): Promise<string | undefined> {
  return (await (await caches.open(STATE)).match(IN_USE))?.text()
}

/** Drops the caches of all other builds. */
async function keepOnly(...kept: readonly (string | undefined)[]): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && !kept.includes(name))
  await Promise.all(names.map((name) => caches.delete(name)))
}

async function install(): Promise<void> {
  const cache = await caches.open(CACHE)
  const add = async ([path, integrity]: [string, string]) => {
    // What has its hash in its name may be here already.
    const known = path.startsWith('/assets/') ? await caches.match(path) : undefined
    const response = known ?? (await fetch(path, { integrity, cache: 'no-cache', credentials: 'same-origin' }))
    if (!response.ok || response.redirected) throw new TypeError(`${path} was answered ${response.status}`)
    await cache.put(path, response)
  }
  try {
    await Promise.all(Object.entries(BUILD.files).map(add))
  } catch (error) {
    await caches.delete(CACHE)
    throw error
  }
  // Of builds that waited and were never used.
  await keepOnly(CACHE, await cacheInUse())
}

async function activate(): Promise<void> {
  await keepOnly(CACHE, await cacheInUse())
  await (await caches.open(STATE)).put(IN_USE, new Response(CACHE))
  await self.clients.claim()
}

/** From this build's cache; of an earlier build where it is not in this one. */
async function fromCache(path: string): Promise<Response | undefined> {
  return (await (await caches.open(CACHE)).match(path)) ?? (await caches.match(path))
}

async function answer(request: Request, path: string): Promise<Response> {
  return (await fromCache(path)) ?? fetch(request)
}

/** The server's page, with whatever stands before it; ours where there is no network. */
async function answerPage(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch {
    return (await fromCache(PAGE)) ?? Response.error()
  }
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('message', ({ data }) => {
  if (data === 'take-over') void self.skipWaiting()
})
self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname, search } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  if (pathname === PAGE && search !== '') event.respondWith(answerPage(request))
  else if (pathname in BUILD.files || pathname.startsWith('/assets/')) event.respondWith(answer(request, pathname))
})
