/** A diff·log server: a profile by its id and password, with everything that it holds. */
import { z } from 'zod'
import { transportHash } from '#difflog/content'
import { ImportError } from '#errors'
import type { Answer, WebSource } from '#web-source'

const SMALL_ANSWER = 64 * 1024
/** Fifty diffs, with room for what other servers keep. */
const CONTENT_ANSWER = 128 * 1024 * 1024

const shareSchema = z.object({ password_salt: z.string().min(1).max(512) })
const list = z.array(z.unknown()).default([])
const contentSchema = z.object({
  diffs: list,
  stars: list,
  tldrs: list,
  encrypted_api_key: z.string().nullish(),
  salt: z.string().max(512),
  profile: z.record(z.string(), z.unknown()).default({}),
})
const errorSchema = z.object({
  error: z.string().max(1000).optional().catch(undefined),
  attempts_remaining: z.int().min(0).max(1000).optional().catch(undefined),
  retry_after_seconds: z.int().min(0).max(86_400).optional().catch(undefined),
})

/** Items as they came: nothing is known of them yet. */
export type DifflogContent = z.output<typeof contentSchema>

export class DifflogSource {
  readonly #web: WebSource

  constructor(web: WebSource) {
    this.#web = web
  }

  /** @throws ImportError `wrong-password`, `source-refused`, `source-invalid`; EngineError `gate-refused` */
  async content(profile: string, password: string): Promise<DifflogContent> {
    const name = encodeURIComponent(profile)
    const share = await this.#web.get(`/api/share/${name}`)
    if (share.status === 404) throw new ImportError('source-refused', `${this.#web.server} has no profile "${profile}"`)
    const { password_salt } = await this.#parsed(shareSchema, share, SMALL_ANSWER)
    const answer = await this.#web.post(`/api/profile/${name}/content`, { password_hash: transportHash(password, password_salt) })
    return this.#parsed(contentSchema, answer, CONTENT_ANSWER)
  }

  async #parsed<T>(schema: z.ZodType<T>, answer: Answer, limit: number): Promise<T> {
    if (answer.status !== 200) throw await this.#refusal(answer)
    const parsed = schema.safeParse(await this.#web.json(answer, limit))
    if (!parsed.success) throw new ImportError('source-invalid', `${this.#web.server} did not answer as a diff·log server does`)
    return parsed.data
  }

  async #refusal(answer: Answer): Promise<Error> {
    const { status, retryAfter } = answer
    const body = await this.#web.json(answer, SMALL_ANSWER).catch(() => undefined)
    const { attempts_remaining: left, retry_after_seconds: wait = retryAfter } = errorSchema.safeParse(body).data ?? {}
    const later = wait === undefined ? 'later' : `in ${wait} s`
    if (status === 401 && body !== undefined) {
      const attempts =
        left === undefined ? '' : left === 0 ? `; the profile is locked now, try again ${later}` : `; ${left} more tries`
      return new ImportError('wrong-password', `this is not the password of this profile${attempts}`)
    }
    if (status === 429)
      return new ImportError('source-refused', `too many wrong passwords were tried for this profile: try again ${later}`)
    if (status === 401 || status === 403) return this.#web.gateRefused(status)
    return this.#web.refused(status, 'for the profile')
  }
}
