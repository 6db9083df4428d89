/**
 * What a vault shows to others: diffs published under links [SHR-1], and codes that bring another device to it [SHR-2]. Which links there
 * are is for the app to keep, in a synced table: who has a link's id can take back what it leads to, from any device of the vault.
 */
import { sealShare } from '@lockstep/crypto/share'
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import {
  CODE_ALPHABET,
  CODE_LENGTH,
  type Code,
  codeSchema,
  type Invitation,
  invitationSchema,
  SHARE_MEDIA_TYPE,
} from '@lockstep/protocol/http'
import { MAX_SHARE_BYTES } from '@lockstep/protocol/limits'
import { encodeSharedDiff, type SharedDiff, type ShareLink } from '@lockstep/protocol/share'
import { drain } from '#answers'
import { EngineError } from '#errors'
import type { GatePass } from '#gate'
import type { HttpClient } from '#http'
import { fetchSealed, readLink, readPublished } from '#published'
import { type Remote, serverUrl } from '#remote'

export interface SharingSession {
  readonly remote: Remote
  readonly token: string
  /** The vault's name on that server. */
  readonly vault: string
}

export interface SharingOptions {
  readonly random: (length: number) => Uint8Array
  /** Without a gate's token: what is published is for anyone. */
  readonly http: HttpClient
  /** The way to a server that this device is not signed in to, through the gate in front of it. */
  readonly remote: (server: string, gate: GatePass | undefined) => Remote
  /** @throws EngineError `not-signed-in`, `needs-password` */
  readonly session: () => SharingSession
  /** Runs what needs the session, which a refusal ends. */
  readonly signedIn: <R>(work: () => Promise<R>) => Promise<R>
}

export interface CodeRequest {
  readonly server: string
  /** As the person typed it. */
  readonly code: string
  /** For the gate in front of that server. */
  readonly gate?: GatePass | undefined
}

export class Sharing {
  readonly #options: SharingOptions

  constructor(options: SharingOptions) {
    this.#options = options
  }

  /** A link for something new; nothing is sent. @throws EngineError `not-signed-in`, `needs-password` */
  newLink(): ShareLink {
    const { random, session } = this.#options
    return { server: session().remote.server, id: toBase64Url(random(16)), key: toBase64Url(random(32)) }
  }

  /**
   * Puts a diff under a link of this vault's server, in place of what is there. Sending it again does no harm.
   * @throws EngineError `value-too-large`, `quota-exceeded`, `server-refused`, `vault-removed`, `needs-password`, `offline`
   */
  async publish({ id, key }: Pick<ShareLink, 'id' | 'key'>, diff: SharedDiff): Promise<void> {
    const { random, session, signedIn } = this.#options
    const keys = { id: fromBase64Url(id), key: fromBase64Url(key) }
    const body = await sealShare({ ...keys, content: encodeSharedDiff(diff), random })
    if (body.length > MAX_SHARE_BYTES) {
      throw new EngineError('value-too-large', `"${diff.title}" is too long to be published: a link leads to 1 MB at most`)
    }
    const { remote, token } = session()
    const request = { method: 'PUT', path: `/v1/shares/${id}`, headers: { 'content-type': SHARE_MEDIA_TYPE }, body } as const
    await signedIn(async () => drain(await remote.send(request, token)))
  }

  /**
   * Takes back what is published under a link; returns once nothing is there.
   * @throws EngineError `published-elsewhere`: that is another server than this vault's, and it is still there;
   *   `server-refused`, `vault-removed`, `needs-password`, `offline`
   */
  async unpublish({ server, id }: Pick<ShareLink, 'server' | 'id'>): Promise<void> {
    const { http, session, signedIn } = this.#options
    const { remote, token } = session()
    await signedIn(async () => drain(await remote.send({ method: 'DELETE', path: `/v1/shares/${id}`, headers: {} }, token)))
    // The same server under another name, or one that the vault was moved away from.
    if (server === remote.server || (await fetchSealed(http, { server, id })) === undefined) return
    throw new EngineError(
      'published-elsewhere',
      `this is published on ${server}, and not through ${remote.server}: only a device that is signed in there can take it back`,
    )
  }

  /** What is published under a link; no account is needed. @throws EngineError `bad-link`, `share-gone`, `share-unreadable`, `offline` */
  async read(link: string): Promise<SharedDiff> {
    return readPublished(this.#options.http, readLink(link))
  }

  /** A short code that brings another device to this vault, once, within two minutes. It holds no secret: the password is still needed. */
  createCode(): Promise<Code> {
    const { session, signedIn } = this.#options
    const { remote, token, vault } = session()
    const json: Invitation = { server: remote.server, vault }
    return signedIn(() => remote.json(codeSchema, { method: 'POST', path: '/v1/codes', json }, token))
  }

  /**
   * Which vault a code stands for; it is used up by that. The server is the one that was asked, whatever it says itself: the password
   * goes there.
   * @throws EngineError `code-unknown`, `too-many-attempts`, `server-refused`, `offline`
   */
  async takeCode({ server, code, gate }: CodeRequest): Promise<Invitation> {
    const remote = this.#options.remote(serverUrl(server), gate)
    const path = `/v1/codes/${readCode(code)}`
    const { vault } = await remote.json(invitationSchema, { method: 'GET', path, once: true })
    return { server: remote.server, vault }
  }
}

/** As people type it: in lower case, with blanks and dashes. @throws EngineError `code-unknown` */
function readCode(typed: string): string {
  const code = typed.replace(/[\s-]+/g, '').toUpperCase()
  if (code.length === CODE_LENGTH && [...code].every((character) => CODE_ALPHABET.includes(character))) return code
  throw new EngineError(
    'code-unknown',
    `"${typed}" is not a code: one has ${CODE_LENGTH} letters and digits, without 0, O, 1, I and L`,
  )
}
