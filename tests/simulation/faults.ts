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
  serverRestored: 10,
  serverWiped: 10,
  serverForked: 6,
  deviceRestored: 15,
  deviceCloned: 8,
  mergeDone: 50,
  mergeRace: 8,
  mergeCrash: 20,
  deviceRevoked: 3,
  keysTakenUp: 4,
  epochClosed: 5,
  newestFirstCutShort: 4,
  serverGivenBack: 15,
  seeded: 1,
} as const

export type Fault = keyof typeof FAULT_FLOORS

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
