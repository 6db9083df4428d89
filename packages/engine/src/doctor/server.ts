/** The server as this device sees it: there, the same log, the same clock, this device still welcome. */
import type { CheckResult } from '#doctor/check'
import { counted } from '#doctor/check'
import { EngineError } from '#errors'
import type { Remote } from '#remote'
import type { Store } from '#store'

/** Larger differences between the clocks are told. */
const CLOCK_WARNING_MILLIS = 10 * 60 * 1000
/** From here on nothing is purged from the trash [CELL-8]. */
const CLOCK_USELESS_MILLIS = 24 * 60 * 60 * 1000

export interface ServerCheckOptions {
  readonly store: Store
  readonly remote: Remote
  readonly token: string
}

export async function checkServer({ store, remote, token }: ServerCheckOptions): Promise<CheckResult[]> {
  try {
    const { version } = await remote.serverInfo()
    const { head, date } = await where(store, remote, token)
    const behind = head - (store.meta.get('cursor') ?? 0)
    const detail = `${remote.server} (${version}) has the log that this device follows, ${behind === 0 ? 'and nothing newer' : `${counted(behind, 'segment')} further on`}`
    return [{ check: 'server', verdict: 'ok', detail }, checkClock(store, date), await checkDevices(remote, token)]
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return [unwell(error), ...(['clock', 'devices'] as const).map((check) => leftOut(check, 'the server was not heard'))]
  }
}

export function leftOut(check: CheckResult['check'], why: string): CheckResult {
  return { check, verdict: 'skipped', detail: why }
}

function unwell(error: EngineError): CheckResult {
  const { code, message } = error
  if (code === 'offline') return { check: 'server', verdict: 'skipped', detail: message }
  const hint =
    code === 'server-diverged'
      ? 'run: lockstep sync, which finds out what the server lacks and gives it back'
      : code === 'needs-password'
        ? 'sign in again'
        : code === 'gate-refused'
          ? 'run: lockstep sync --access-token with a new access token'
          : undefined
  return { check: 'server', verdict: 'problem', detail: message, hint }
}

/** One pull from the cursor: its answer has the server's position and clock, and is refused where the logs differ. */
async function where(store: Store, remote: Remote, token: string): Promise<{ head: number; date: string | undefined }> {
  const after = store.meta.get('cursor') ?? 0
  const chain = store.meta.get('chain') ?? new Uint8Array(32)
  for await (const { position, date } of remote.pull(token, { after, chain })) {
    if (position.head < after) {
      throw new EngineError(
        'server-diverged',
        `the server has ${counted(position.head, 'segment')} of the ${after} that this device has received from it`,
      )
    }
    return { head: position.head, date }
  }
  throw new EngineError('offline', `${remote.server} gave no answer`)
}

function checkClock(store: Store, date: string | undefined): CheckResult {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return leftOut('clock', 'the server does not say what time it is')
  const apart = store.runtime.now() - theirs
  const size = Math.abs(apart)
  if (size <= CLOCK_WARNING_MILLIS) return { check: 'clock', verdict: 'ok', detail: 'this clock and the server’s agree' }
  const minutes = Math.round(size / 60_000)
  const span = minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`
  const more = size > CLOCK_USELESS_MILLIS ? '; nothing goes from the trash by itself until they agree' : ''
  return {
    check: 'clock',
    verdict: 'problem',
    detail: `this clock is ${span} ${apart > 0 ? 'ahead of' : 'behind'} the server’s${more}`,
    hint: 'set the clock that is wrong; nothing is lost by it',
  }
}

async function checkDevices(remote: Remote, token: string): Promise<CheckResult> {
  const { devices } = await remote.devices(token)
  const current = devices.find((device) => device.current)
  const listed = devices.filter(({ revoked }) => !revoked).length
  if (current === undefined || current.revoked) {
    const detail = current === undefined ? 'the server does not list this device' : 'this device has been revoked'
    return { check: 'devices', verdict: 'problem', detail, hint: 'sign in again, or see why on another device' }
  }
  return { check: 'devices', verdict: 'ok', detail: `${counted(listed, 'device')}, this one among them` }
}
