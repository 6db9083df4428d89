/**
 * Codes that live for minutes. A share code carries a profile's id to another device: four characters that a person types, so whoever
 * tries codes is stopped after a few. A login code carries a sealed session from the browser to a command line that has made the code
 * itself: 48 random bits, which nobody finds by trying, and of which one network may wait for only so many.
 */
import { randomBytes } from 'node:crypto'
import { LOGIN_CODE_SECONDS, MAX_CODES, SHARE_CODE_SECONDS } from '#dialects/difflog/limits'
import { Refusal, tooMany } from '#dialects/difflog/refusal'
import { isMissing, networkOf, onlyLooks, parseFields, pathPart, type RequestContext, readFields } from '#dialects/difflog/request'
import { loginSchema, shareCodeSchema } from '#dialects/difflog/schemas'
import type { Tools } from '#dialects/difflog/tools'
import type { GuessRule } from '#guesses'
import { jsonResponse } from '#problems'

const MINUTE = 60_000
/** Without those that look alike: 32 of them, so a random byte's last five bits choose evenly. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const SHARE_CODE_LENGTH = 4
const LOGIN_CODE = /^[0-9a-f]{12}$/i

/** Wrong share codes from one network, and from all together: of a million codes, few are in use at a time. */
const SHARE_GUESSES: GuessRule = { count: 20, window: 15 * MINUTE, burst: 0 }
const ALL_SHARE_GUESSES: GuessRule = { count: 1000, window: 60 * MINUTE, burst: 0 }
/** New codes of either kind from one network. */
const NEW_CODES: GuessRule = { count: 60, window: 15 * MINUTE, burst: 0 }

function randomShareCode(): string {
  return [...randomBytes(SHARE_CODE_LENGTH)].map((byte) => ALPHABET[byte & 31]).join('')
}

const noShareCode = (): Refusal => new Refusal(404, 'Invalid or expired share code')

export function addCodeRoutes({ services, limits, route }: Tools): void {
  const { storage, guesses, clock } = services
  const store = storage.difflog

  async function requireNewAllowed(kind: string, context: RequestContext): Promise<void> {
    const counted = await guesses.at([{ rule: NEW_CODES, key: guesses.key(kind, networkOf(services, context)) }])
    if (!counted.allowed) throw tooMany('Too many codes from your network', counted.retryAfter)
  }

  route('POST', '/api/share-code', async (context) => {
    const fields = await readFields(context, limits)
    if (isMissing(fields['profile_id'])) throw new Refusal(400, 'Missing profile_id')
    const { profile_id: value } = parseFields(shareCodeSchema, fields)
    await requireNewAllowed('difflog-share-code', context)
    const now = clock()
    const expiresAt = now + SHARE_CODE_SECONDS * 1000
    for (;;) {
      const code = randomShareCode()
      const outcome = await store.putCode({ kind: 'share', code, value, expiresAt, now, most: MAX_CODES }, true)
      if (outcome === 'stored') return jsonResponse({ code }, 201)
      // One in a thousand is in use at most: the next one is free.
      if (outcome === 'full') throw tooMany('Too many share codes', SHARE_CODE_SECONDS)
    }
  })

  route('GET', '/api/share-code/:code', async (context) => {
    const guess = await guesses.at([
      { rule: SHARE_GUESSES, key: guesses.key('difflog-share-guess', networkOf(services, context)) },
      { rule: ALL_SHARE_GUESSES, key: guesses.key('difflog-share-guess') },
    ])
    if (!guess.allowed) throw tooMany('Too many share codes tried', guess.retryAfter)
    const code = pathPart(context, 'code').toUpperCase()
    const looks = onlyLooks(context)
    const profileId = looks ? await store.code('share', code, clock()) : await store.takeCode('share', code, clock())
    if (profileId === undefined) throw noShareCode()
    await guess.withdraw()
    return jsonResponse({ profile_id: profileId })
  })

  function loginCode(context: RequestContext): string {
    const code = pathPart(context, 'code')
    if (!LOGIN_CODE.test(code)) throw new Refusal(400, 'Invalid code')
    return code.toLowerCase()
  }

  route('GET', '/api/cli/auth/:code', async (context) => {
    const code = loginCode(context)
    const session = onlyLooks(context) ? await store.code('login', code, clock()) : await store.takeCode('login', code, clock())
    return jsonResponse(session === undefined ? { pending: true } : { session })
  })

  route('POST', '/api/cli/auth/:code', async (context) => {
    const code = loginCode(context)
    const fields = await readFields(context, limits)
    if (isMissing(fields['encrypted_session'])) throw new Refusal(400, 'Missing encrypted_session')
    const { encrypted_session: value, expires } = parseFields(loginSchema, fields)
    await requireNewAllowed('difflog-login-code', context)
    const now = clock()
    const expiresAt = Math.min(Math.floor(expires), now + LOGIN_CODE_SECONDS * 1000)
    if (expiresAt <= now) throw new Refusal(400, 'expires: is in the past')
    const outcome = await store.putCode({ kind: 'login', code, value, expiresAt, now, most: MAX_CODES }, false)
    if (outcome === 'full') throw tooMany('Too many logins at once', LOGIN_CODE_SECONDS)
    return jsonResponse({ ok: true })
  })
}
