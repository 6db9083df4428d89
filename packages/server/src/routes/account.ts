/** A signed-in device's session, credentials and list of devices. */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { credentialsChangeSchema } from '@lockstep/protocol/http'
import { requireSession } from '#access'
import type { Session } from '#auth/sessions'
import { readJson } from '#body'
import { requestExchange } from '#exchange'
import { jsonResponse, ProblemError } from '#problems'
import { requireAllowed, wrongCredentials } from '#refusals'
import type { App, Services } from '#services'

export function addAccountRoutes(app: App, services: Services): void {
  const { storage, secrets, sessions, guesses, policy } = services

  async function credentials({ vault }: Session): Promise<Response> {
    const { name, bundle, ...stored } = await storage.vaultByKey(vault)
    const { vaultId, suite, salt } = secrets.header(name, stored)
    return jsonResponse({
      vaultId: toBase64Url(vaultId),
      suite,
      salt: toBase64Url(salt),
      bundle: { version: bundle.version, sealed: toBase64Url(bundle.sealed) },
    })
  }

  app.delete('/v1/session', async (context) => {
    const { tokenHash } = await requireSession(services, context.req.header('authorization'))
    await storage.endSession(tokenHash)
    sessions.ended([tokenHash])
    return new Response(null, { status: 204 })
  })

  app.get('/v1/credentials', async (context) => credentials(await requireSession(services, context.req.header('authorization'))))

  app.put('/v1/credentials', async (context) => {
    const session = await requireSession(services, context.req.header('authorization'))
    const change = await readJson(requestExchange(context.req.raw), credentialsChangeSchema, policy.limits.jsonBytes)
    const vault = await storage.vaultByKey(session.vault)
    // A stolen token must not be enough to take the vault over, nor to find the password by trying [KEY-3].
    const guess = requireAllowed(await guesses.passwordChange(vault.name, session.deviceId))
    if (!secrets.checkAuthKey(change.currentAuthKey, vault.authHash)) throw wrongCredentials()
    await guess.withdraw()
    const { suite, salt, bundle } = change
    const authHash = secrets.hash(change.authKey)
    const update = { vault: session.vault, suite, salt, authHash, bundle, keep: session.tokenHash }
    const outcome = await storage.updateCredentials(update)
    if (outcome === 'bundle-conflict') {
      throw new ProblemError('bundle-conflict', 'the key bundle was changed by another device; read it again')
    }
    sessions.ended(outcome.ended)
    return credentials(session)
  })

  app.get('/v1/devices', async (context) => {
    const session = await requireSession(services, context.req.header('authorization'))
    const current = toBase64Url(session.deviceId)
    const devices = (await storage.devices(session.vault)).map((device) => {
      const id = toBase64Url(device.id)
      return { ...device, id, current: id === current }
    })
    return jsonResponse({ devices })
  })
}
