/** What each route answers to whom: the entries of the access matrix. */
import { SEGMENTS_MEDIA_TYPE, SHARE_MEDIA_TYPE } from '@lockstep/protocol/http'
import { encodeMarks, encodePush } from '@lockstep/protocol/records'
import { b64, jsonRequest, named, ReplicaLog, signInBody, signUpBody } from './client.ts'
import { hashOf, rowsOf, sealed } from './difflog/support.ts'

interface Entry {
  readonly path?: string
  readonly init?: RequestInit
  /** Status for a caller with a session, and for one without. */
  readonly signedIn: number
  readonly signedOut: number
}

const change = {
  currentAuthKey: b64(named('auth main')),
  suite: 'argon2id-64m-3',
  salt: b64(named('s', 16)),
  authKey: b64(named('new')),
  replaces: 2,
  bundle: { version: 3, sealed: b64(named('b')) },
}
/** Of the device that is called "tablet". */
const revocation = { ...change, epoch: 3, rotation: b64(named('rotation')), head: 0, chain: b64(new Uint8Array(32)) }
export const push: RequestInit = {
  method: 'POST',
  // The epoch that revoking a device opens below.
  body: encodePush([{ ...new ReplicaLog('a').next(named('x')), epoch: 2 }]),
  headers: { 'content-type': SEGMENTS_MEDIA_TYPE },
}
const removal = { currentAuthKey: b64(named('auth main')) }
const SHARE = `/v1/shares/${b64(named('share', 16))}`
const share: RequestInit = { method: 'PUT', body: named('sealed'), headers: { 'content-type': SHARE_MEDIA_TYPE } }
const seeds = { type: 'seed', head: 0, chain: b64(new Uint8Array(32)) }

export const MATRIX: Record<string, Entry> = {
  // The web app: its files are no secret, but they are behind the gate.
  'GET /': { signedIn: 200, signedOut: 200 },
  'GET /s/:id': { path: `/s/${b64(named('share', 16))}`, signedIn: 200, signedOut: 200 },
  'GET /sw.js': { signedIn: 200, signedOut: 200 },
  'GET /assets/index-0a1b2c3d.js': { signedIn: 200, signedOut: 200 },
  'GET /assets/sqlite3-0a1b2c3d.wasm': { signedIn: 200, signedOut: 200 },
  'GET /healthz': { signedIn: 200, signedOut: 200 },
  // From this machine anybody may read metrics, but a token that is not the metrics token is refused.
  'GET /metrics': { signedIn: 403, signedOut: 200 },
  'GET /v1/server': { signedIn: 200, signedOut: 200 },
  'POST /v1/vaults': { init: jsonRequest('POST', signUpBody('third')), signedIn: 201, signedOut: 201 },
  'GET /v1/vaults/:name': { path: '/v1/vaults/main', signedIn: 200, signedOut: 200 },
  'POST /v1/vaults/:name/sessions': {
    path: '/v1/vaults/main/sessions',
    init: jsonRequest('POST', signInBody('main', 'new')),
    signedIn: 201,
    signedOut: 201,
  },
  // Of each vault only its own: "second" is another caller's.
  'DELETE /v1/vaults/:name': { path: '/v1/vaults/main', init: jsonRequest('DELETE', removal), signedIn: 204, signedOut: 401 },
  'PUT /v1/shares/:id': { path: SHARE, init: share, signedIn: 204, signedOut: 401 },
  'DELETE /v1/shares/:id': { path: SHARE, init: { method: 'DELETE' }, signedIn: 204, signedOut: 401 },
  // Nobody has published it.
  'GET /v1/shares/:id': { path: SHARE, signedIn: 404, signedOut: 404 },
  'POST /v1/codes': {
    init: jsonRequest('POST', { server: 'https://sync.example', vault: 'main' }),
    signedIn: 201,
    signedOut: 401,
  },
  'GET /v1/codes/:code': { path: '/v1/codes/ABCDEF', signedIn: 404, signedOut: 404 },
  'DELETE /v1/session': { init: { method: 'DELETE' }, signedIn: 204, signedOut: 401 },
  'GET /v1/credentials': { signedIn: 200, signedOut: 401 },
  'PUT /v1/credentials': { init: jsonRequest('PUT', change), signedIn: 200, signedOut: 401 },
  'POST /v1/devices/:id/revocation': {
    path: `/v1/devices/${b64(named('device tablet', 16))}/revocation`,
    init: jsonRequest('POST', revocation),
    signedIn: 200,
    signedOut: 401,
  },
  'GET /v1/rotations': { path: '/v1/rotations?after=0', signedIn: 200, signedOut: 401 },
  'GET /v1/devices': { signedIn: 200, signedOut: 401 },
  'POST /v1/segments': { init: push, signedIn: 200, signedOut: 401 },
  'GET /v1/segments': { path: `/v1/segments?after=0&chain=${'0'.repeat(64)}`, signedIn: 200, signedOut: 401 },
  'GET /v1/segments/index': { path: '/v1/segments/index?from=1', signedIn: 200, signedOut: 401 },
  'POST /v1/segments/common': {
    init: { method: 'POST', headers: { 'content-type': SEGMENTS_MEDIA_TYPE }, body: encodeMarks([]) },
    signedIn: 200,
    signedOut: 401,
  },
  'POST /v1/segments/merged': { init: jsonRequest('POST', seeds), signedIn: 201, signedOut: 401 },
  // Somebody's merge: nobody else has it.
  'PUT /v1/segments/merged/:merge/:part': {
    path: '/v1/segments/merged/some-merge/0',
    init: { ...push, method: 'PUT' },
    signedIn: 404,
    signedOut: 401,
  },
  'POST /v1/segments/merged/:merge': {
    path: '/v1/segments/merged/some-merge',
    init: jsonRequest('POST', { parts: 1 }),
    signedIn: 404,
    signedOut: 401,
  },
  'GET /v1/status': { signedIn: 200, signedOut: 401 },
  // The token of a live connection is in its first message.
  'GET /v1/live': { signedIn: 400, signedOut: 400 },
}

const USER = { id: '00000000-0000-4000-8000-000000000001', secretKeyHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA' }
const FILE = '00000000-0000-4000-8000-000000000002'

interface DataansEntry {
  readonly path?: string
  readonly init?: RequestInit
  readonly status: number
}

/** Its one user is whoever passes the gate. */
export const DATAANS: Record<string, DataansEntry> = {
  'GET /health': { status: 200 },
  'GET /health/auth': { status: 200 },
  'GET /health/authorize.html': { status: 200 },
  'GET /user': { status: 404 },
  'GET /user/': { status: 404 },
  'POST /user': { init: jsonRequest('POST', USER), status: 200 },
  'POST /user/': { init: jsonRequest('POST', USER), status: 200 },
  'GET /data/block': { path: '/data/block?items_per_block=16', status: 200 },
  'GET /data/operation': { path: '/data/operation?operations_to_skip=0', status: 200 },
  'POST /data/operation': { init: jsonRequest('POST', []), status: 200 },
  'POST /file/:id': { path: `/file/${FILE}`, init: { method: 'POST', body: 'bytes' }, status: 200 },
  'GET /file/:id': { path: `/file/${FILE}`, status: 404 },
  'GET /file/:id/exists': { path: `/file/${FILE}/exists`, status: 200 },
}

export const PRESENTED = ['no password', 'wrong password', 'password of another profile', 'own password'] as const
export type Presented = (typeof PRESENTED)[number]
export const PASSWORD_HASHES: Record<Presented, string | undefined> = {
  'no password': undefined,
  'wrong password': hashOf('wrong'),
  'password of another profile': hashOf('theirs'),
  'own password': hashOf('mine'),
}

export interface DifflogEntry {
  readonly path: string
  readonly body?: (password_hash: string | undefined) => Record<string, unknown>
  /** For everybody; or with the profile's own password, and with none at all: a wrong one is always 401. */
  readonly status: number | { readonly own: number; readonly none: number }
}

export const profile = (id: string, password_hash: string | undefined) => {
  return { id, name: id, password_hash, encrypted_api_key: sealed('keys'), salt: 'salt' }
}
const query = (path: string) => `${path}?password_hash=`

export const DIFFLOG: Record<string, DifflogEntry> = {
  'POST /api/profile/create': {
    path: '/api/profile/create',
    body: (password_hash) => profile('p', password_hash),
    status: { own: 201, none: 400 },
  },
  'GET /api/share/:id': { path: '/api/share/p', status: 200 },
  'GET /api/profile/:id/status': { path: '/api/profile/p/status', status: 200 },
  'GET /api/profile/:id': { path: query('/api/profile/p'), status: { own: 200, none: 401 } },
  'PUT /api/profile/:id': {
    path: '/api/profile/p',
    body: (password_hash) => ({ password_hash, name: 'x' }),
    status: { own: 200, none: 401 },
  },
  'DELETE /api/profile/:id': { path: query('/api/profile/p'), status: { own: 200, none: 401 } },
  'POST /api/profile/:id/content': {
    path: '/api/profile/p/content',
    body: (password_hash) => ({ password_hash }),
    status: { own: 200, none: 401 },
  },
  'POST /api/profile/:id/sync': {
    path: '/api/profile/p/sync',
    body: (password_hash) => ({ password_hash, diffs: rowsOf('d') }),
    status: { own: 200, none: 401 },
  },
  'GET /api/profile/:id/sync': { path: '/api/profile/p/sync', status: 200 },
  'POST /api/profile/:id/password': {
    path: '/api/profile/p/password',
    body: (old_password_hash) => ({
      old_password_hash,
      new_password_hash: hashOf('new'),
      new_encrypted_api_key: sealed('keys'),
      new_salt: 'salt',
      diffs: [],
      stars: [],
    }),
    status: { own: 200, none: 400 },
  },
  'GET /api/diff/:id/public': { path: '/api/diff/public/public', status: 200 },
  'POST /api/share-code': { path: '/api/share-code', body: () => ({ profile_id: 'p' }), status: 201 },
  'GET /api/share-code/:code': { path: '/api/share-code/XXXX', status: 404 },
  'GET /api/cli/auth/:code': { path: '/api/cli/auth/0123456789ab', status: 200 },
  'POST /api/cli/auth/:code': {
    path: '/api/cli/auth/0123456789ab',
    body: () => ({ encrypted_session: 'x', expires: Date.UTC(2026, 0, 1) + 60_000 }),
    status: 200,
  },
}
