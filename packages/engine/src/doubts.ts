/**
 * What a server said under an author's name and nobody has proved: segments that could not be opened, and ones that it kept
 * back. From the first of them on a replica's segments do not count as being here: they are asked for again where two logs
 * part, given back to nobody, covered by no seed and told to no other device.
 */
import { toHex } from '@lockstep/protocol/bytes'
import { decodeDelivery, isCounted } from '@lockstep/protocol/records'
import type { Store } from '#store'

/** Why a genuine segment waits: there is no doubt about it. */
export const FAR_AHEAD = 'it is dated more than 100 years ahead'

/** Of each replica the first counter that is missing here or could not be read. */
export function firstDoubts({ driver }: Store): Map<string, number> {
  const out = new Map<string, number>()
  const doubt = (replica: string, counter: number) => out.set(replica, Math.min(counter, out.get(replica) ?? counter))
  for (const row of driver.prepare('SELECT delivery FROM _quarantine WHERE reason <> ?').all(FAR_AHEAD)) {
    const { kind, replica, counter } = decodeDelivery(row['delivery'] as Uint8Array)
    if (isCounted(kind)) doubt(toHex(replica), counter)
  }
  for (const { subject } of driver.prepare("SELECT subject FROM _problems WHERE code = 'withheld'").all()) {
    const [replica, counter] = String(subject).split(':')
    if (replica !== undefined) doubt(replica, Number(counter))
  }
  return out
}
