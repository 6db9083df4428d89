/**
 * Operations on the wire: `{"id": uuid, "createdAt": RFC 3339, "data": [u8, …], "checksum": [u8 × 32]}`. Members that are not
 * these are passed over, as a JSON reader of the clients does.
 */
import { decodeUtf8 } from '@lockstep/protocol/bytes'
import { z } from 'zod'
import { describeIssue } from '#body'
import { bytesOfList, JsonWriter, listLength } from '#dialects/dataans/byte-lists'
import { parseInstant } from '#dialects/dataans/instants'
import type { ElementLimits } from '#dialects/dataans/json-elements'
import { formatUuid, parseUuid } from '#dialects/dataans/uuids'
import { ProblemError } from '#problems'
import type { DataansOperation, NewDataansOperation } from '#storage/dataans'

const CHECKSUM_BYTES = 32
/**
 * An object with lists in it needs a depth of two; the rest is for members that are passed over. As JSON an operation takes many times its
 * bytes while it is parsed, so one may have about 4.5 MB: a very long note.
 */
export const OPERATION_LIMITS: ElementLimits = { depth: 32, bytes: 16 * 1024 * 1024 }

/** A transformation that may refuse. */
function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return (text: string, context: z.RefinementCtx): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: `expected ${expected}` })
    return z.NEVER
  }
}

const byteList = z.custom<readonly unknown[]>(Array.isArray, 'expected a list of bytes').transform((list, context): Uint8Array => {
  const bytes = bytesOfList(list)
  if (bytes !== undefined) return bytes
  context.addIssue({ code: 'custom', message: 'expected numbers from 0 to 255' })
  return z.NEVER
})

const operationSchema = z.object({
  id: z.string().transform(parsed(parseUuid, 'a UUID')),
  createdAt: z.string().transform(
    parsed((text) => {
      const instant = parseInstant(text)
      return instant && { text, instant }
    }, 'a time of RFC 3339'),
  ),
  data: byteList,
  checksum: byteList.refine((bytes) => bytes.length === CHECKSUM_BYTES, `expected ${CHECKSUM_BYTES} bytes`),
})

/** @param index of the element in its array, from 0. @throws ProblemError `bad-json`, `bad-request` */
export function readOperation(json: Uint8Array, index: number): NewDataansOperation {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(json))
  } catch {
    throw new ProblemError('bad-json', `operation ${index} is not JSON`)
  }
  const outcome = operationSchema.safeParse(value)
  if (!outcome.success) throw new ProblemError('bad-request', `operation ${index}: ${describeIssue(outcome.error)}`)
  const { id, createdAt, data, checksum } = outcome.data
  return { id, createdAt: createdAt.text, instant: createdAt.instant, data, checksum }
}

/** Around the lists and the two texts. */
const FRAME_LENGTH = '{"id":"","createdAt":"","data":,"checksum":},'.length

/** Operations as elements of an array, with a comma before each but the `first` of all. */
export function writeOperations(operations: readonly DataansOperation[], first: boolean): Uint8Array<ArrayBuffer> {
  let capacity = 0
  for (const { createdAt, data } of operations) {
    capacity += FRAME_LENGTH + 36 + createdAt.length + listLength(data.length) + listLength(CHECKSUM_BYTES)
  }
  const out = new JsonWriter(capacity)
  operations.forEach(({ id, createdAt, data, checksum }, i) => {
    const comma = first && i === 0 ? '' : ','
    // A stored time has nothing that JSON would escape.
    out.text(`${comma}{"id":"${formatUuid(id)}","createdAt":"${createdAt}","data":`).list(data)
    out.text(',"checksum":').list(checksum).text('}')
  })
  return out.finish()
}
