/** `lockstep doctor`: says how this device is, and heals what can be healed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckName, CheckProgress, CheckResult, DoctoredRow, Verdict } from '@lockstep/engine/doctor/check'
import { START_OVER, unsentIn } from '@lockstep/engine/doctor/database'
import { isWell } from '@lockstep/engine/doctor/doctor'
import { DriverError } from '@lockstep/engine/driver'
import { EngineError } from '@lockstep/engine/errors'
import { openSqlite } from '@lockstep/engine/platform/node/sqlite'
import { type CommandGroup, type Context, type LockstepDevice, onRun } from '#context'
import { CliError } from '#errors'
import { type GateOptions, gateOptions } from '#gate'
import { counted, printable } from '#table'

const NAMES: Readonly<Record<CheckName, string>> = {
  database: 'Database',
  keys: 'Keys',
  rows: 'Rows',
  outbox: 'Outbox',
  tail: 'Log',
  search: 'Search',
  server: 'Server',
  clock: 'Clock',
  devices: 'Devices',
  problems: 'Problems',
}
const VERDICTS: Readonly<Record<Verdict, string>> = { ok: 'ok', healed: 'healed', problem: 'PROBLEM', skipped: 'left out' }
/** Of a row that nobody can vouch for. */
const SHOWN_CHARACTERS = 4000

interface DoctorOptions extends GateOptions {
  readonly heal: boolean
}

export const doctorCommands: CommandGroup = (program, io) => {
  const doctor = program
    .command('doctor')
    .option('--no-heal', 'only look, change nothing')
    .description('check this device: its files, every row, keys, clock and server; heal what can be healed')
  onRun<DoctorOptions>(gateOptions(doctor), io, async (context, _, options) => {
    const checks = await visit(context, options)
    context.out.result({ well: isWell(checks), checks: checks.map(toJson) }, () => checks.map(describe).join('\n'))
    const left = checks.filter(({ verdict }) => verdict === 'problem').length
    if (left > 0) throw new CliError('problems-left', `${counted(left, 'problem')} left: see above what to do`)
  })
}

async function visit(context: Context, options: DoctorOptions): Promise<readonly CheckResult[]> {
  let device: LockstepDevice
  try {
    device = await context.openDevice()
  } catch (error) {
    if (isDamage(error)) return [unopened(context.home, error)]
    throw error
  }
  try {
    await context.useGatePass(device, options)
    return await context.withProgress((progress) =>
      device.examine({
        heal: options.heal,
        onProgress: ({ check, done, total }: CheckProgress) => progress.update(NAMES[check], done, total),
      }),
    )
  } finally {
    await device.close().catch((error: unknown) => {
      // It cannot be read, as has been told.
      if (!(error instanceof DriverError)) throw error
    })
  }
}

/** Anything but a home that cannot be used, a lock, a full disk: a flipped bit fails wherever it is met first. */
function isDamage(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof CliError) return false
  if (error instanceof DriverError) return !['busy', 'full', 'io'].includes(error.code)
  return !(error instanceof EngineError) || error.code === 'database-newer'
}

/** The device does not open: its database is no database any more, or its keys cannot be read. */
function unopened(home: string, error: Error): CheckResult {
  if (error instanceof EngineError) return { check: 'keys', verdict: 'problem', detail: error.message, hint: START_OVER }
  const detail = `the vault cannot be opened (${error.message}); ${unsent(home)}`
  return { check: 'database', verdict: 'problem', detail, hint: START_OVER }
}

function unsent(home: string): string {
  const path = join(home, 'vault.db')
  if (!existsSync(path)) return 'its file is gone'
  try {
    const driver = openSqlite({ path })
    try {
      return unsentIn(driver)
    } finally {
      driver.close()
    }
  } catch (error) {
    if (error instanceof DriverError) return 'what was not synced cannot be counted any more'
    throw error
  }
}

function toJson({ check, verdict, detail, hint, rows }: CheckResult): object {
  return { check, verdict, detail, hint: hint ?? null, rows: (rows ?? []).map((row) => ({ ...row, shown: readable(row) })) }
}

/** Bytes as their number: JSON has none. */
function readable({ shown }: DoctoredRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]) => [name, value instanceof Uint8Array ? `${value.length} bytes` : value]),
  )
}

function describe({ check, verdict, detail, hint, rows }: CheckResult): string {
  const lines = [`${NAMES[check].padEnd(9)} ${VERDICTS[verdict].padEnd(8)}  ${printable(detail)}`]
  for (const row of rows ?? []) {
    if (row.outcome !== 'kept' && row.outcome !== 'none') continue
    lines.push(`  ${row.table} ${printable(row.id)}, ${row.outcome === 'kept' ? 'kept as it is' : 'still damaged'}:`)
    for (const [name, value] of Object.entries(readable(row))) {
      if (value !== null && value !== '') lines.push(`    ${name}: ${printable(String(value).slice(0, SHOWN_CHARACTERS))}`)
    }
  }
  if (hint !== undefined) lines.push(`  → ${printable(hint)}`)
  return lines.join('\n')
}
