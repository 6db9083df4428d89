/** What a run consists of: all of it follows from a seed, or from a plan that was kept because it once broke a promise. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Random } from '../support/random.ts'
import { type Operation, planOperations } from './operations.ts'

const OPERATIONS = 300
/** Of how many runs it is part. */
const REVOCATIONS = 0.4
const SERVER_DAMAGE = 0.5
const REGRESSIONS = new URL('regressions/', import.meta.url)

export interface WorldOptions {
  readonly devices: number
  /** For each device the virtual time, after the first operation may happen, from which it takes part. */
  readonly joins: readonly number[]
  readonly realCrypto: boolean
  /** Clocks from −20 to +50 years instead of a few minutes off. */
  readonly wildClocks: boolean
  /** The server is put back to backups, loses everything, exists twice. */
  readonly serverDamage: boolean
  /** Disks are put back to backups and copied to other machines. */
  readonly diskDamage: boolean
  /** Devices are revoked, so that the vault's keys change. */
  readonly revocations: boolean
}

export interface Plan {
  readonly seed: number
  readonly options: WorldOptions
  readonly operations: readonly Operation[]
}

export interface PlanOptions {
  readonly wildClocks?: boolean
  readonly operations?: number
  /** Whole machines go back to an earlier state, are lost, or exist twice. */
  readonly damage?: boolean
}

export function planOf(
  seed: number,
  { wildClocks = false, operations: count = OPERATIONS, damage = false }: PlanOptions = {},
): Plan {
  const random = new Random(seed)
  const devices = random.between(2, 6)
  const operations = planOperations(random.fork(), devices, count)
  const end = operations.reduce((sum, { gap }) => sum + gap, 0)
  const joins = Array.from({ length: devices }, (_, i) => (i < 2 ? 0 : random.below(end)))
  const serverDamage = damage && random.chance(SERVER_DAMAGE)
  const options: WorldOptions = {
    devices,
    joins,
    realCrypto: seed % 10 === 0,
    wildClocks: wildClocks || random.chance(0.1),
    serverDamage,
    // Not together: a copied disk that writes a counter twice, and a server that forgets which came first.
    diskDamage: damage && !serverDamage,
    // Nor an epoch that is opened, and a server that forgets it.
    revocations: !serverDamage && random.chance(REVOCATIONS),
  }
  return { seed, options, operations }
}

/** A plan that must hold for ever, with what it found. */
export interface PinnedPlan extends Plan {
  readonly found: string
}

/** Each file of regressions/: options, and one line for each operation, `gap device kind seed`. */
export function pinnedPlans(): PinnedPlan[] {
  const names = readdirSync(REGRESSIONS).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => {
    const { operations, ...rest } = JSON.parse(readFileSync(new URL(name, REGRESSIONS), 'utf8')) as Omit<
      PinnedPlan,
      'operations'
    > & { readonly operations: readonly string[] }
    return {
      ...rest,
      operations: operations.map((line) => {
        const [gap, device, kind, seed] = line.split(' ') as [string, string, string, string]
        return { gap: Number(gap), device: Number(device), kind, seed: Number(seed) }
      }),
    }
  })
}

/** Returns the file's name. */
export function pin({ seed, options, operations }: Plan, found: string): string {
  const name = `seed-${seed}-${operations.length}.json`
  const lines = operations.map(({ gap, device, kind, seed: own }) => `${gap} ${device} ${kind} ${own}`)
  writeFileSync(new URL(name, REGRESSIONS), `${JSON.stringify({ found, seed, options, operations: lines }, undefined, 2)}\n`)
  return name
}
