/** The one user of a server: made once, at the first sign-in of all devices. */
import { z } from 'zod'
import { parseJson } from '#body'
import { done, errorAnswer } from '#dialects/dataans/answers'
import { refuseForeignPages } from '#dialects/dataans/requests'
import { formatUuid, parseUuid } from '#dialects/dataans/uuids'
import { requestExchange } from '#exchange'
import { jsonResponse } from '#problems'
import type { App, Services } from '#services'
import type { DataansUser } from '#storage/dataans'

/** Of a body; an Argon2 hash as text has about a hundred characters. */
const USER_BYTES = 16 * 1024
const MOST_HASH_CHARACTERS = 1024

const userSchema = z.object({
  id: z.string().transform((text, context) => {
    const bytes = parseUuid(text)
    if (bytes !== undefined) return formatUuid(bytes)
    context.addIssue({ code: 'custom', message: 'expected a UUID' })
    return z.NEVER
  }),
  /** Checked by the clients alone. */
  secretKeyHash: z.string().min(1).max(MOST_HASH_CHARACTERS),
})

/** Its clients name no media type. @throws ProblemError `too-large`, `bad-json`, `bad-request` */
async function readUser(request: Request): Promise<DataansUser> {
  return parseJson(await requestExchange(request).body(USER_BYTES), userSchema)
}

export function addUserRoutes(app: App, { storage }: Services): void {
  for (const path of ['/user', '/user/']) {
    app.get(path, async () => {
      const user = await storage.dataans.user()
      return user === undefined ? errorAnswer(404, 'there is no user yet: sign in on a first device') : jsonResponse(user)
    })

    app.post(path, async (context) => {
      refuseForeignPages((name) => context.req.header(name))
      const outcome = await storage.dataans.createUser(await readUser(context.req.raw))
      return outcome === 'created' ? done() : errorAnswer(409, 'this server has its user already: nothing was changed')
    })
  }
}
