/**
 * Sign-up, the header a sign-in needs, and sign-in. None of them tells whether a name exists [KEY-5]: an unknown name
 * gets a made-up header and takes the same steps to be refused as a wrong password; a sign-up with a taken name is a
 * wrong password.
 */
import { toBase64Url } from '@lockstep/protocol/bytes'
import { type SignInRequest, signInRequestSchema, signUpRequestSchema, vaultNameSchema } from '@lockstep/protocol/http'
import type { Context } from 'hono'
import { clientOf } from '#access'
import { describeIssue, readJson } from '#body'
import { requestExchange } from '#exchange'
import { jsonResponse, ProblemError } from '#problems'
import { requireAllowed, wrongCredentials } from '#refusals'
import type { App, AppEnv, Services } from '#services'
import type { Bundle, NewSession, VaultCredentials } from '#storage/storage'

interface Issued {
  readonly session: NewSession
  readonly token: string
  readonly cookie: Uint8Array
}

function vaultName(context: Context<AppEnv>): string {
  const parsed = vaultNameSchema.safeParse(context.req.param('name'))
  if (!parsed.success) throw new ProblemError('bad-request', `name: ${describeIssue(parsed.error)}`)
  return parsed.data
}

export function addVaultRoutes(app: App, services: Services): void {
  const { storage, secrets, sessions, guesses, policy, clock, metrics } = services

  /** @param known a cookie the vault knows and the device keeps; else it gets a new one. */
  function issue(device: SignInRequest['device'], known: Uint8Array | undefined): Issued {
    const { token, hash } = secrets.newToken()
    const cookie = known ?? secrets.newCookie()
    const session: NewSession = {
      deviceId: device.id,
      deviceName: device.name,
      tokenHash: hash,
      cookieHash: secrets.hash(cookie),
      now: clock(),
    }
    return { session, token, cookie }
  }

  function answer({ token, cookie }: Issued, vaultId: Uint8Array, bundle: Bundle): Response {
    return jsonResponse(
      {
        vaultId: toBase64Url(vaultId),
        token,
        deviceCookie: toBase64Url(cookie),
        bundle: { version: bundle.version, sealed: toBase64Url(bundle.sealed) },
      },
      201,
    )
  }

  /** @throws ProblemError unless the policy lets this client make a vault. */
  async function requireSignUpAllowed(setupToken: string | undefined, network: string): Promise<void> {
    const closed = policy.signUp === 'closed' || (policy.signUp === 'single' && (await storage.hasVaults()))
    if (closed) throw new ProblemError('sign-up-closed', 'this server takes no new vaults')
    if (policy.signUp === 'open') {
      requireAllowed(await guesses.signUp(network), 'too-many-requests')
      return
    }
    if (policy.setupToken === undefined) return
    if (setupToken === undefined) {
      throw new ProblemError('setup-token-required', 'the first sign-up needs the set-up token that the server printed')
    }
    const guess = requireAllowed(await guesses.setupToken(network))
    if (!secrets.sameText(setupToken, policy.setupToken)) {
      throw new ProblemError('setup-token-required', 'this is not the set-up token that the server printed')
    }
    await guess.withdraw()
  }

  app.post('/v1/vaults', async (context) => {
    const request = await readJson(requestExchange(context.req.raw), signUpRequestSchema, policy.limits.jsonBytes)
    const { network } = clientOf(services, context)
    await requireSignUpAllowed(request.setupToken, network)
    if (request.bundle.version !== 1) throw new ProblemError('bad-request', 'bundle.version: the first one is 1')
    const { name, vaultId, suite, salt, bundle } = request
    const guess = requireAllowed(await guesses.signIn(name, network, undefined))
    const vault: VaultCredentials & { name: string } = {
      name,
      vaultId,
      suite,
      salt,
      authHash: secrets.hash(request.authKey),
      bundle,
    }
    const issued = issue(request.device, undefined)
    const outcome = await storage.createVault(vault, issued.session, policy.signUp === 'single')
    if (outcome === 'not-first') throw new ProblemError('sign-up-closed', 'this server takes no new vaults')
    if (outcome === 'name-taken') throw wrongCredentials()
    await guess.withdraw()
    metrics.count('lockstep_sign_ins_total', 1, { outcome: 'signed-up' })
    return answer(issued, vaultId, bundle)
  })

  app.get('/v1/vaults/:name', async (context) => {
    const name = vaultName(context)
    const { vaultId, suite, salt } = secrets.header(name, await storage.vaultByName(name))
    return jsonResponse({ vaultId: toBase64Url(vaultId), suite, salt: toBase64Url(salt) })
  })

  app.post('/v1/vaults/:name/sessions', async (context) => {
    const name = vaultName(context)
    const { authKey, device, deviceCookie } = await readJson(
      requestExchange(context.req.raw),
      signInRequestSchema,
      policy.limits.jsonBytes,
    )
    const { network } = clientOf(services, context)
    const vault = await storage.vaultByName(name)
    const cookieHash = deviceCookie && secrets.hash(deviceCookie)
    const known = vault !== undefined && cookieHash !== undefined && (await storage.knowsCookie(vault.key, cookieHash))
    const guess = await guesses.signIn(name, network, known ? cookieHash : undefined)
    if (!guess.allowed) metrics.count('lockstep_sign_ins_total', 1, { outcome: 'refused' })
    const allowed = requireAllowed(guess)
    const right = secrets.checkAuthKey(authKey, vault?.authHash)
    if (vault === undefined || !right) {
      metrics.count('lockstep_sign_ins_total', 1, { outcome: 'wrong' })
      throw wrongCredentials()
    }
    await allowed.withdraw()
    const issued = issue(device, known ? deviceCookie : undefined)
    const opened = await storage.openSession(vault.key, issued.session)
    if (opened === 'revoked') {
      throw new ProblemError('forbidden', 'this device was revoked; sign in from a new home')
    }
    sessions.ended(opened.ended)
    metrics.count('lockstep_sign_ins_total', 1, { outcome: 'signed-in' })
    return answer(issued, vault.vaultId, vault.bundle)
  })
}
