/** A signed-in device's session, credentials, list of devices, and the end of one of them. */
import { equalBytes, FormatError, fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import {
  type CredentialsChange,
  credentialsChangeSchema,
  removalSchema,
  revocationSchema,
  rotationsQuerySchema,
} from '@lockstep/protocol/http'
import { MAX_EPOCH_JUMP, MAX_ROTATION_BYTES } from '@lockstep/protocol/limits'
import { requireSession } from '#access'
import type { Session } from '#auth/sessions'
import { describeIssue, readJson } from '#body'
import { requestExchange } from '#exchange'
import { jsonResponse, ProblemError } from '#problems'
import { requireAllowed, wrongCredentials } from '#refusals'
import type { App, Services } from '#services'
import type { CredentialsUpdate, StoredVault } from '#storage/storage'

const DEVICE_ID_BYTES = 16
/** A record in base64url, in a body that is otherwise like any other. */
const ROTATION_JSON_BYTES = Math.ceil((MAX_ROTATION_BYTES * 4) / 3)

/** @throws ProblemError `bad-request` */
function parseDeviceId(text: string): Uint8Array {
  try {
    const id = fromBase64Url(text)
    if (id.length === DEVICE_ID_BYTES) return id
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
  }
  throw new ProblemError('bad-request', 'device: must be 16 bytes in base64url')
}

function bundleConflict(): ProblemError {
  return new ProblemError('bundle-conflict', 'the key bundle was changed by another device; read it again')
}

export function addAccountRoutes(app: App, services: Services): void {
  const { storage, secrets, sessions, guesses, codes, tidying, policy, clock, metrics } = services

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

  /**
   * A stolen token must not be enough to take a vault over or to remove it, nor to find the password by trying [KEY-3].
   * @throws ProblemError
   */
  async function requireAuthKey(session: Session, vault: StoredVault, authKey: Uint8Array): Promise<void> {
    const guess = requireAllowed(await guesses.passwordChange(vault.name, session.deviceId))
    if (!secrets.checkAuthKey(authKey, vault.authHash)) throw wrongCredentials()
    await guess.withdraw()
  }

  /** What a change of credentials stores, once the auth key that came with it was found right. @throws ProblemError */
  async function authorize(session: Session, change: CredentialsChange): Promise<CredentialsUpdate> {
    await requireAuthKey(session, await storage.vaultByKey(session.vault), change.currentAuthKey)
    const { suite, salt, bundle, replaces } = change
    if (bundle.version <= replaces) {
      throw new ProblemError('bad-request', 'bundle.version: must be greater than the version it replaces')
    }
    const authHash = secrets.hash(change.authKey)
    return { vault: session.vault, suite, salt, authHash, bundle, replaces, keep: session.tokenHash }
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
    const outcome = await storage.updateCredentials(await authorize(session, change))
    if (outcome === 'bundle-conflict') throw bundleConflict()
    sessions.ended(outcome.ended)
    return credentials(session)
  })

  app.delete('/v1/vaults/:name', async (context) => {
    const session = await requireSession(services, context.req.header('authorization'))
    const { currentAuthKey } = await readJson(requestExchange(context.req.raw), removalSchema, policy.limits.jsonBytes)
    const vault = await storage.vaultByKey(session.vault)
    if (context.req.param('name') !== vault.name) throw new ProblemError('forbidden', 'a device removes its own vault only')
    await requireAuthKey(session, vault, currentAuthKey)
    const { ended } = await storage.removeVault({ vault: vault.key, guesses: guesses.prefixOf(vault.name), now: clock() })
    sessions.ended(ended, 'vault-removed')
    codes.endAll(vault.key)
    metrics.count('lockstep_removals_total')
    tidying.wake()
    return new Response(null, { status: 204 })
  })

  app.post('/v1/devices/:id/revocation', async (context) => {
    const session = await requireSession(services, context.req.header('authorization'))
    const limit = policy.limits.jsonBytes + ROTATION_JSON_BYTES
    const request = await readJson(requestExchange(context.req.raw), revocationSchema, limit)
    const deviceId = parseDeviceId(context.req.param('id'))
    if (equalBytes(deviceId, session.deviceId)) {
      throw new ProblemError('bad-request', 'a device cannot revoke itself: sign out instead')
    }
    const update = await authorize(session, request)
    const { epoch, rotation, head, chain } = request
    const revocation = { ...update, deviceId, epoch, rotation, head, chain, now: clock() }
    const outcome = await storage.revokeDevice(revocation)
    metrics.count('lockstep_revocations_total', 1, { outcome: outcome.outcome })
    switch (outcome.outcome) {
      case 'revoked':
        sessions.ended(outcome.ended)
        return credentials(session)
      case 'no-device':
        throw new ProblemError('not-found', 'there is no such device, or it is revoked already')
      case 'bundle-conflict':
        throw bundleConflict()
      case 'epoch-ahead':
        throw new ProblemError('bad-request', `epoch: must be at most ${MAX_EPOCH_JUMP} later than ${outcome.epoch}, the vault's`)
      case 'run-changed':
        throw new ProblemError('run-changed', 'the log is not the one that the rotation closes: read it again')
    }
  })

  app.get('/v1/rotations', async (context) => {
    const { vault } = await requireSession(services, context.req.header('authorization'))
    const query = rotationsQuerySchema.safeParse(context.req.query())
    if (!query.success) throw new ProblemError('bad-request', describeIssue(query.error))
    const rotations = await storage.rotations(vault, query.data.after)
    return jsonResponse({ rotations: rotations.map(({ epoch, record }) => ({ epoch, record: toBase64Url(record) })) })
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
