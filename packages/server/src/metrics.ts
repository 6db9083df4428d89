/** Counters and gauges in the Prometheus text format (version 0.0.4), few enough to be written by hand. */

type Labels = Readonly<Record<string, string | number>>

interface Family {
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly samples: Map<string, number>
  readonly read: (() => number) | undefined
}

export interface Metrics {
  count(name: CounterName, by?: number, labels?: Labels): void
  gauge(name: string, help: string, read: () => number): void
  text(): string
}

const COUNTERS = {
  lockstep_requests_total: 'Answers, by status.',
  lockstep_pushes_total: 'Pushes, by outcome.',
  lockstep_segments_total: 'Segments appended.',
  lockstep_segment_bytes_total: 'Sealed bytes appended.',
  lockstep_commits_total: 'Group commits.',
  lockstep_commit_pushes_total: 'Pushes in group commits.',
  lockstep_merges_total: 'Merges, by outcome.',
  lockstep_shares_total: 'Shares put and removed, by outcome.',
  lockstep_codes_total: 'Short codes, by what became of them.',
  lockstep_removals_total: 'Vaults removed.',
  lockstep_revocations_total: 'Revocations of devices, by outcome.',
  lockstep_sign_ins_total: 'Sign-ins, by outcome.',
  lockstep_gate_refusals_total: 'Requests that the gate refused, by reason.',
  lockstep_errors_total: 'Unexpected errors.',
} as const
export type CounterName = keyof typeof COUNTERS

export const METRICS_MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function createMetrics(): Metrics {
  const families = new Map<string, Family>()
  for (const [name, help] of Object.entries(COUNTERS)) {
    families.set(name, { help, kind: 'counter', samples: new Map(), read: undefined })
  }
  return {
    count(name, by = 1, labels = {}) {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      const key = pairs.length > 0 ? `{${pairs.join(',')}}` : ''
      const samples = families.get(name)?.samples
      samples?.set(key, (samples.get(key) ?? 0) + by)
    },
    gauge(name, help, read) {
      families.set(name, { help, kind: 'gauge', samples: new Map(), read })
    },
    text() {
      let out = ''
      for (const [name, { help, kind, samples, read }] of families) {
        out += `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`
        if (read !== undefined) out += `${name} ${read()}\n`
        for (const [labels, value] of samples) out += `${name}${labels} ${value}\n`
      }
      return out
    },
  }
}
