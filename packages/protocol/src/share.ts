/**
 * What a public link is, and what it leads to [SHR-1]. The page that shows it to strangers has these two, the sealing and nothing else
 * of the protocol: so there is no schema library here.
 *
 *     link    <server>/s/<id, 16 bytes>#<key, 32 bytes>           both base64url without padding
 *     content {"version":1,"kind":"diff","title":"…","date":"…","text":"…"}
 *
 * Whoever knows a link may be anybody, and so may be who wrote what it leads to.
 */
import { decodeUtf8, encodeUtf8, FormatError, fromBase64Url } from '#bytes'

/** A link, in parts. */
export interface ShareLink {
  /** Base address of the server, without a trailing slash. */
  readonly server: string
  /** 16 bytes, base64url. */
  readonly id: string
  /** 32 bytes, base64url; never sent anywhere. */
  readonly key: string
}

const ID_BYTES = 16
const KEY_BYTES = 32
const PATH = /^(.*)\/s\/([A-Za-z0-9_-]+)\/?$/

export function printShareLink({ server, id, key }: ShareLink): string {
  return `${server}/s/${id}#${key}`
}

/** The link as it was given, blanks around it aside. @throws FormatError `malformed`; its message does not show the key */
export function parseShareLink(text: string): ShareLink {
  const given = text.trim()
  const notOne = () => new FormatError('malformed', 'this is not a public link: one looks like https://notes.example.org/s/…#…')
  if (!URL.canParse(given)) throw notOne()
  const { protocol, origin, username, password, pathname, search, hash } = new URL(given)
  const [, base, id] = PATH.exec(pathname) ?? []
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '' || search !== '') throw notOne()
  if (base === undefined || id === undefined || !isBytes(id, ID_BYTES)) throw notOne()
  const key = hash.slice(1)
  if (!isBytes(key, KEY_BYTES)) {
    throw new FormatError('malformed', 'this link is not whole: what stands behind its # opens what is published, and is needed')
  }
  return { server: origin + base, id, key }
}

function isBytes(text: string, length: number): boolean {
  try {
    return fromBase64Url(text).length === length
  } catch {
    return false
  }
}

/** A published diff. */
export interface SharedDiff {
  readonly title: string
  /** YYYY-MM-DD, or '' for one that has no day. */
  readonly date: string
  /** Markdown. */
  readonly text: string
}

const VERSION = 1
const KIND = 'diff'
const DATE = /^(?:\d{4}-\d{2}-\d{2})?$/

/** One diff has one content: members in this order, no blanks, lone surrogates as U+FFFD. */
export function encodeSharedDiff({ title, date, text }: SharedDiff): Uint8Array {
  const content = { version: VERSION, kind: KIND, title: title.toWellFormed(), date, text: text.toWellFormed() }
  return encodeUtf8(JSON.stringify(content))
}

/** Members that it does not know are left out. @throws FormatError `malformed`; `unsupported` where a newer Lockstep wrote it */
export function decodeSharedDiff(bytes: Uint8Array): SharedDiff {
  const { version, kind, title, date, text } = parseObject(decodeUtf8(bytes))
  if (typeof version !== 'number' || typeof kind !== 'string') throw malformed()
  if (version !== VERSION || kind !== KIND) {
    throw new FormatError('unsupported', 'what is published there was written by a newer Lockstep')
  }
  if (typeof title !== 'string' || typeof text !== 'string' || typeof date !== 'string' || !DATE.test(date)) throw malformed()
  return { title: title.toWellFormed(), date, text: text.toWellFormed() }
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw malformed()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed()
  return value as Record<string, unknown>
}

function malformed(): FormatError {
  return new FormatError('malformed', 'what is published there is not a diff')
}
