/** Segments that no device wrote. */
import { SEGMENT_KIND } from '@lockstep/protocol/records'
import { type Attack, type AttackParts, during } from '../attack.ts'
import { altered, forgedAfter, noise, sealedByAttacker } from '../forging.ts'
import { sha256 } from '../honest-server.ts'
import { type News, withFour } from './news.ts'

const NEXTCLOUD = 'Albrecht, Backendal, Coppola, Paterson, "Share with Care: Breaking E2EE in Nextcloud", EuroS&P 2024'
const CLOUD = 'Hofmann, Truong, "End-to-End Encrypted Cloud Storage in the Wild: A Broken Ecosystem", CCS 2024 (injected files)'
const COMMITMENT =
  'Albertini, Duong, Gueron, Kölbl, Luykx, Schmieg, "How to Abuse and Fix Authenticated Encryption Without Key Commitment", USENIX Security 2022'

const SET_ASIDE = 'sets it aside, merges nothing of it, and names it'
const NOBODY = new Uint8Array(16).fill(0xee)

const forged = (
  name: string,
  rules: readonly string[],
  source: string,
  client: string,
  change: (news: News) => News,
): AttackParts => ({
  name,
  rules,
  source,
  client,
  install: (control) => {
    // The same bytes each time the victim asks, as a server that wants to be believed would.
    let made: News | undefined
    control.show((news) => {
      if (made === undefined || made.length < news.length) {
        const before = made
        made = change(news)
        if (before !== undefined) made = [...before, ...made.slice(before.length)]
      }
      return made
    })
  },
})

export const FORGING: readonly Attack[] = [
  ...during('pull', [
    forged('forge-noise', ['ENV-2'], CLOUD, SET_ASIDE, (news) =>
      withFour(news, ([a, b, c, d], later) => [a, b, c, d, forgedAfter(d, noise(512)), ...later]),
    ),
    forged('forge-under-another-key', ['ENV-2'], COMMITMENT, SET_ASIDE, (news) =>
      withFour(news, ([a, b, c, d], later) => [a, b, c, d, forgedAfter(d, sealedByAttacker(noise(64))), ...later]),
    ),
    forged('forge-a-new-replica', ['ENV-2', 'KEY-2'], NEXTCLOUD, SET_ASIDE, (news) =>
      withFour(news, (four, later) => [
        ...four,
        altered(four[0], { replica: NOBODY, counter: 1, previous: new Uint8Array(32), sealed: sealedByAttacker(noise(64)) }),
        ...later,
      ]),
    ),
    forged('forge-deletes-of-everything', ['SYNC-3', 'ENV-2'], CLOUD, 'deletes nothing', (news) =>
      withFour(news, ([a, b, c, d], later) => [
        a,
        b,
        c,
        d,
        altered(forgedAfter(d, sealedByAttacker(noise(64))), { kind: SEGMENT_KIND.void }),
        altered(forgedAfter(c, sealedByAttacker(noise(64))), { kind: SEGMENT_KIND.void }),
        ...later,
      ]),
    ),
    forged('forge-a-seed', ['ENV-3', 'LOG-9'], CLOUD, `${SET_ASIDE}; nothing it knows is taken for covered`, (news) =>
      withFour(news, ([a, b, c, d], later) => [
        a,
        b,
        c,
        d,
        altered(d, {
          kind: SEGMENT_KIND.seed,
          counter: d.last + 1,
          previous: sha256(d.sealed),
          sealed: sealedByAttacker(noise(64)),
        }),
        ...later,
      ]),
    ),
  ]),
  ...during('push', [
    {
      name: 'forge-under-the-victim’s-own-name',
      rules: ['ENV-2', 'LOG-3'],
      source: NEXTCLOUD,
      client: 'does not take it for its own: sets it aside and names it; loses none of what it wrote',
      install: async (control) => {
        // Before the victim's push: its next counter is taken.
        const { segments } = await control.log()
        const mine = segments.filter(
          ({ replica }) => !segments.slice(-4).some((other) => Buffer.compare(other.replica, replica) === 0),
        )
        const last = mine.at(-1)
        if (last === undefined) throw new Error('the victim has written nothing')
        const made = forgedAfter(last, sealedByAttacker(noise(64)))
        control.show((news) => [made, ...news])
      },
    },
  ]),
]
