/**
 * What this machine can do at all: the limits that the other questions are compared with, in their own units.
 *
 *     node bench/machine.ts
 */
import {
  aesGcmRate,
  commitRate,
  deflateRate,
  ftsRate,
  inflateRate,
  insertRate,
  loopbackMillis,
  syncMillis,
} from './support/machine.ts'
import { generateNotes } from './support/notes.ts'
import { ask, type Figure } from './support/report.ts'

async function measure({ notes }: { readonly notes: number }): Promise<Figure[]> {
  const sample = generateNotes(1, notes, 'mixed')
  return [
    { label: 'AES-256-GCM, one thread', value: await aesGcmRate(), unit: 'MB/s', better: 'more' },
    { label: 'inflate, one thread', value: inflateRate(sample), unit: 'MB/s', better: 'more' },
    { label: 'deflate level 1, one thread', value: deflateRate(sample), unit: 'MB/s', better: 'more' },
    { label: 'notes into a bare SQLite table', value: insertRate(sample), unit: 'notes/s', better: 'more' },
    { label: 'notes into bare FTS5', value: ftsRate(sample), unit: 'notes/s', better: 'more' },
    { label: 'SQLite commits of one row, synced', value: commitRate(400), unit: 'commits/s', better: 'more' },
    { label: 'fdatasync after 4 KiB', value: syncMillis(), unit: 'ms', better: 'less' },
    { label: 'loopback there and back', value: await loopbackMillis(), unit: 'ms', better: 'less' },
  ]
}

await ask({ title: () => 'this machine', file: 'machine.ts', numbers: { notes: 20_000 }, run: measure })
