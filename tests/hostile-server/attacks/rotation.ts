/**
 * Keys that were changed: a device has been revoked between the first and the second of the news, and from then on segments
 * are sealed with the key of epoch 2. The revoked device and the server are in it together.
 */
import { fromBase64Url, toBase64Url } from '@lockstep/protocol/bytes'
import { type Attack, type AttackParts, during } from '../attack.ts'
import type { Control } from '../control.ts'
import { problem } from '../exchange.ts'
import { flipped, noise, sealedByAttacker } from '../forging.ts'

const SENDER_KEYS =
  'Albrecht, Dowling, Jones, "Device-Oriented Group Messaging: A Formal Cryptographic Analysis of Matrix’ Core", IEEE S&P 2024'
const MATRIX =
  'Albrecht, Celi, Dowling, Jones, "Practically-exploitable Cryptographic Vulnerabilities in Matrix", IEEE S&P 2023 (keys by whoever claims to share them)'
const NEXTCLOUD =
  'Albrecht, Backendal, Coppola, Paterson, "Share with Care: Breaking E2EE in Nextcloud", EuroS&P 2024 (key insertion)'
const ROLLBACK =
  'Samuel, Mathewson, Cappos, Dingledine, "Survivable Key Compromise in Software Update Systems", CCS 2010 (rollback attack)'

const PATH = '/v1/rotations'
const REFUSES = 'takes no key from it, and says that this server must not be trusted'
const SET_ASIDE = 'sets aside what was written under a key that had been taken back, and names it'

interface Entry {
  readonly epoch: number
  readonly record: string
}

const rotations = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  change: (entries: readonly Entry[]) => readonly Entry[],
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => control.changeJson('GET', PATH, (value) => ({ rotations: change(value['rotations'] as readonly Entry[]) })),
})

const records = (change: (record: Uint8Array) => Uint8Array) => (entries: readonly Entry[]) =>
  entries.map(({ epoch, record }) => ({ epoch, record: toBase64Url(change(fromBase64Url(record))) }))

/** What the revoked device wrote after it had been revoked, as the news' end or somewhere in them. */
const resurrected = (name: string, source: string, place: (control: Control) => void): AttackParts => ({
  name,
  rules: ['KEY-3', 'KEY-4'],
  source,
  client: SET_ASIDE,
  install: place,
})

export const ROTATION: readonly Attack[] = [
  ...during('pull-rotated', [
    rotations(
      'rotation-withheld',
      ['KEY-2', 'KEY-4'],
      SENDER_KEYS,
      'says that it cannot read what is sealed under a later key',
      () => [],
    ),
    rotations(
      'rotation-with-a-bit-flipped',
      ['KEY-2', 'ENV-2'],
      NEXTCLOUD,
      REFUSES,
      records((record) => flipped(record, 100)),
    ),
    rotations(
      'rotation-cut-short',
      ['KEY-2', 'ENV-2'],
      NEXTCLOUD,
      REFUSES,
      records((record) => record.slice(0, -1)),
    ),
    rotations(
      'rotation-of-the-attacker’s',
      ['KEY-2', 'ENV-2'],
      MATRIX,
      REFUSES,
      records(() => sealedByAttacker(noise(400))),
    ),
    rotations(
      'rotation-of-noise',
      ['KEY-2'],
      MATRIX,
      REFUSES,
      records(() => noise(600)),
    ),
    rotations('rotation-for-another-epoch', ['KEY-2'], ROLLBACK, 'takes no key from it', (entries) =>
      entries.map(({ epoch, record }) => ({ epoch: epoch + 1, record })),
    ),
    rotations('rotation-twice', ['KEY-2'], ROLLBACK, 'takes it once, or refuses the answer', (entries) => [...entries, ...entries]),
    rotations('rotation-and-one-more-by-replay', ['KEY-2'], ROLLBACK, 'opens no epoch by a record of another', (entries) => [
      ...entries,
      ...entries.map(({ epoch, record }) => ({ epoch: epoch + 1, record })),
    ]),
    rotations('rotation-in-epoch-0', ['KEY-2'], ROLLBACK, 'refuses the answer', (entries) =>
      entries.map(({ record }) => ({ epoch: 0, record })),
    ),
    rotations('rotation-in-the-last-epoch', ['KEY-2'], ROLLBACK, 'takes no key from it', (entries) =>
      entries.map(({ record }) => ({ epoch: 0xffff_ffff, record })),
    ),
    rotations('rotations-without-end', ['KEY-2', 'HTTP-3'], ROLLBACK, 'refuses the answer in bounded memory', (entries) =>
      Array.from({ length: 200_000 }, (_, i) => ({ epoch: i + 2, record: entries[0]?.record.slice(0, 40) ?? 'AAAA' })),
    ),
    {
      name: 'rotations-not-found',
      rules: ['KEY-2', 'KEY-4'],
      source: SENDER_KEYS,
      client: 'says that it cannot read what is sealed under a later key',
      install: (control) => control.answer('GET', PATH, () => problem('not-found')),
    },
    resurrected('revoked-device-writes-on', SENDER_KEYS, (control) =>
      control.show((news) => [...news.slice(0, 4), ...control.accomplice, ...news.slice(4)]),
    ),
    resurrected('revoked-device-wrote-before', SENDER_KEYS, (control) => control.show((news) => [...control.accomplice, ...news])),
    resurrected('revoked-device-in-a-new-epoch', MATRIX, (control) =>
      control.show((news) => [
        ...news.slice(0, 4),
        ...control.accomplice.map((segment) => ({ ...segment, epoch: segment.epoch + 1 })),
        ...news.slice(4),
      ]),
    ),
    {
      name: 'the-revocation-never-was',
      rules: ['KEY-4', 'LOG-8'],
      source: ROLLBACK,
      client: 'cannot know of it until it is told of something of the later epoch; then sees that it was kept back',
      install: (control) => {
        control.answer('GET', PATH, () => ({
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: new TextEncoder().encode('{"rotations":[]}'),
        }))
        control.show((news) => news.filter(({ epoch }) => epoch === 1))
      },
    },
  ]),
  ...during('push-rotated', [
    rotations(
      'push: rotation-withheld',
      ['KEY-2', 'KEY-4'],
      SENDER_KEYS,
      'seals nothing under a key it has not, names it and keeps its edits',
      () => [],
    ),
    rotations(
      'push: rotation-of-the-attacker’s',
      ['KEY-2'],
      MATRIX,
      REFUSES,
      records(() => sealedByAttacker(noise(400))),
    ),
    rotations(
      'push: rotation-with-a-bit-flipped',
      ['KEY-2', 'ENV-2'],
      NEXTCLOUD,
      REFUSES,
      records((record) => flipped(record, 100)),
    ),
  ]),
]
