/** What the operator's commands find and why they stop: a stable code, one sentence, and what to do about it. */

/**
 * `damage`: what is stored is not what was stored, or not all of it. `note`: worth knowing, nothing is lost.
 */
export interface Finding {
  readonly severity: 'damage' | 'note'
  readonly code: FindingCode
  /** The vault's name, where it is about one. */
  readonly vault?: string
  readonly message: string
  readonly remedy: string
}

export type FindingCode =
  /** A file is of another size or other bytes than when it was stored, or when the backup was made. */
  | 'file-altered'
  /** A file that the database names is not there. */
  | 'file-missing'
  /** SQLite cannot read the database, or finds its structure broken. */
  | 'database-damaged'
  /** A stored segment's bytes or its header are not the ones that were pushed. */
  | 'segment-altered'
  /** A share's bytes are not the ones that were published. */
  | 'share-altered'
  /** A sequence number is without a segment, or with two. */
  | 'segment-missing'
  /** The chain does not lead where the log says that it does. */
  | 'chain-broken'
  /** A replica's counters have a hole, or do not lead to its last one. */
  | 'counter-hole'
  /** Counts and sizes in a vault's own row are not those of its log. */
  | 'totals-wrong'
  /** What signing in needs is not there or cannot be what was stored. */
  | 'account-damaged'
  /** Rotation records and epochs do not go together. */
  | 'rotation-wrong'
  | 'rotation-missing'
  /** A Dataans operation does not stand where its time says. */
  | 'operation-misplaced'
  /** The hash of a block of Dataans operations is not that of their checksums. */
  | 'block-wrong'
  /** A row of diff·log belongs to nobody, or does not have the size or the openness that is written of it. */
  | 'row-wrong'

const FROM_BACKUP =
  'stop the server and restore the last good backup: lockstep restore BACKUP --replace; devices send back what it lacks'

export const REMEDY = {
  restore: FROM_BACKUP,
  otherBackup: 'this copy cannot be trusted: use another backup, and look at the disk that this one is on',
  file: `${FROM_BACKUP.replace(/;.*/, '')}; or send the file again from a device that has it`,
  share: 'publish it again, or unpublish it; and look at the disk that this is on',
  none: 'nothing needs to be done',
} as const

export type OperateCode =
  | 'no-database'
  | 'old-database'
  | 'not-a-backup'
  | 'already-exists'
  | 'has-database'
  | 'damaged'
  | 'unreadable'
  | 'unwritable'

/** An operator's command cannot do what it was asked for; nothing was changed. */
export class OperateError extends Error {
  readonly code: OperateCode
  /** What was found, where `code` is `damaged`. */
  readonly findings: readonly Finding[]
  constructor(code: OperateCode, message: string, options: ErrorOptions & { readonly findings?: readonly Finding[] } = {}) {
    super(message, options)
    this.name = 'OperateError'
    this.code = code
    this.findings = options.findings ?? []
  }
}

/** How far a long command is; `total` in the stage's own unit. */
export type OnProgress = (stage: 'copying' | 'reading' | 'checking', done: number, total: number) => void
