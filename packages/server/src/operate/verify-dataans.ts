/**
 * What the Dataans dialect holds: operations in their order, the hashes of their blocks, the one user, and the row of totals. Checksums
 * are the clients' own, over what is sealed: that the bytes fit them is for a device to find.
 */
import type { DatabaseSync } from 'node:sqlite'
import { concatBytes, equalBytes } from '@lockstep/protocol/bytes'
import { parseInstant } from '#dialects/dataans/instants'
import { parseUuid } from '#dialects/dataans/uuids'
import { REMEDY } from '#operate/finding'
import type { Findings } from '#operate/findings'
import { bytes, count, text } from '#operate/stored'
import type { StoredFile } from '#operate/stored-files'
import { ITEMS_PER_BLOCK } from '#storage/dataans'
import { placeOf } from '#storage/sqlite/dataans-operations'
import { sha256 } from '#storage/sqlite/log-rows'

export interface DataansSummary {
  readonly operations: number
  /** Of the operations' data. */
  readonly operationBytes: number
  readonly files: number
  readonly fileBytes: number
}

const OPERATIONS = `
  SELECT place, id, checksum, created_at, length(data) AS bytes FROM dataans_operations ORDER BY place`

/** @throws DamagedValue, and what SQLite throws for a damaged database */
export function verifyDataans(db: DatabaseSync, files: readonly StoredFile[], findings: Findings): DataansSummary {
  verifyUser(db, findings)
  const { operations, operationBytes } = verifyOperations(db, findings)
  const fileBytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const totals = db.prepare('SELECT operations, operation_bytes, file_bytes FROM dataans_usage').get()
  const found = { operations, operation_bytes: operationBytes, file_bytes: fileBytes }
  for (const [column, value] of Object.entries(found)) {
    if (totals?.[column] === value) continue
    findings.damage('totals-wrong', `Dataans: ${column} is said to be ${totals?.[column]} and is ${value}`, REMEDY.restore)
  }
  return { operations, operationBytes, files: files.length, fileBytes }
}

function verifyUser(db: DatabaseSync, findings: Findings): void {
  const user = db.prepare('SELECT id, secret_key_hash FROM dataans_user').get()
  if (user === undefined) return
  if (parseUuid(text(user, 'id')) === undefined || text(user, 'secret_key_hash') === '') {
    findings.damage('account-damaged', 'Dataans: the user is not one that was stored', REMEDY.restore)
  }
}

function verifyOperations(db: DatabaseSync, findings: Findings): { operations: number; operationBytes: number } {
  const blocks = db.prepare('SELECT number, first, hash FROM dataans_blocks ORDER BY number').iterate()
  let operations = 0
  let operationBytes = 0
  let first: Uint8Array = new Uint8Array(0)
  let checksums: Uint8Array[] = []

  function endBlock(): void {
    const number = Math.floor((operations - 1) / ITEMS_PER_BLOCK)
    const { done, value: block } = blocks.next()
    const fits =
      done !== true &&
      count(block, 'number') === number &&
      equalBytes(bytes(block, 'first', 28), first) &&
      equalBytes(bytes(block, 'hash', 32), sha256(concatBytes(...checksums)))
    if (!fits) findings.damage('block-wrong', `Dataans: block ${number} is not that of its operations`, REMEDY.restore)
    checksums = []
  }

  for (const row of db.prepare(OPERATIONS).iterate()) {
    const place = bytes(row, 'place', 28)
    const instant = parseInstant(text(row, 'created_at'))
    if (instant === undefined || !equalBytes(placeOf({ instant, id: bytes(row, 'id', 16) }), place)) {
      findings.damage('operation-misplaced', `Dataans: operation ${operations} is not at the place of its time`, REMEDY.restore)
    }
    if (checksums.length === 0) first = place
    checksums.push(bytes(row, 'checksum', 32))
    operations += 1
    operationBytes += count(row, 'bytes')
    if (checksums.length === ITEMS_PER_BLOCK) endBlock()
  }
  if (checksums.length > 0) endBlock()
  if (blocks.next().done !== true) {
    findings.damage('block-wrong', `Dataans: there are more blocks than ${operations} operations have`, REMEDY.restore)
  }
  return { operations, operationBytes }
}
