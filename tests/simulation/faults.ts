/** What went wrong on purpose, counted: a simulation whose faults do not happen proves nothing. */

/** Each with the least number of times it must happen in 100 seeds of 300 operations. */
export const FAULT_FLOORS = {
  requestLost: 200,
  answerLost: 200,
  requestRepeated: 100,
  requestLate: 100,
  answerLate: 100,
  pullCutShort: 50,
  partitioned: 100,
  interleaved: 500,
  killedAtAwait: 50,
  killedAtStatement: 50,
  diskFull: 20,
  diskError: 20,
  serverKilledBeforeCommit: 10,
  serverKilledAfterCommit: 10,
  serverKilledBeforeAnswer: 10,
  clockJump: 100,
  clocksMillisecondApart: 5,
  lateJoin: 20,
  passwordChanged: 20,
  sessionRefused: 20,
  passwordRace: 5,
  signedOut: 30,
  secondProcess: 50,
  olderSchema: 10,
  schemaUpgraded: 4,
  liveOutOfOrder: 20,
  liveRepeated: 20,
  mergeDone: 50,
  mergeRace: 3,
  mergeCrash: 20,
  deviceRevoked: 4,
  keysTakenUp: 2,
  epochClosed: 4,
  newestFirstCutShort: 3,
} as const

/** The same for runs in which whole machines go back in time, are lost, or exist twice. */
export const DAMAGE_FLOORS = {
  serverRestored: 20,
  serverWiped: 20,
  serverForked: 10,
  deviceRestored: 20,
  deviceCloned: 10,
  serverGivenBack: 40,
  seeded: 10,
} as const

export type Fault = keyof typeof FAULT_FLOORS | keyof typeof DAMAGE_FLOORS

export class FaultCounts {
  readonly counts = new Map<Fault, number>()

  add(fault: Fault, times = 1): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + times)
  }

  addAll(other: FaultCounts): void {
    for (const [fault, times] of other.counts) this.add(fault, times)
  }

  toString(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([fault, times]) => `${fault} ${times}`)
      .join(', ')
  }
}
