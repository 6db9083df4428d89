/** The known answers of the Dataans contract, so that the client which the other tests use is right by itself. */
import { describe, expect, test } from 'vitest'
import { EnvelopeError, open, seal } from './dataans-client/envelope.ts'
import { deriveKey, hashKey, isHashOfKey } from './dataans-client/keys.ts'
import { blocksOf, checksumOf, type Operation } from './dataans-client/operation.ts'
import { nanosOf, textOf } from './dataans-client/time.ts'

const KEY = Buffer.from('d0e1d7109b8a265064b6c2d346397b320c7a8aaf5f3c1653a2520efb963e4d59', 'hex')
const NONCE = Buffer.from('000102030405060708090a0b', 'hex')
const SEALED =
  '000102030405060708090a0b045744490f7807745cb173599bde0f81b62726c897ccd15351b19be83e4b18cb994905f2e5bcf49b1fc1e19c1238ae211e64e2'
const NOTE = '11111111-2222-4333-8444-555555555555'
const TIME = '2025-07-31T10:20:30.123456789Z'

const CREATED: Operation = {
  id: '7f5e3c1a-0b2d-4c6e-8f90-a1b2c3d4e5f6',
  created_at: TIME,
  operation: {
    CreateNote: {
      id: NOTE,
      text: '# hello\nworld',
      created_at: TIME,
      updated_at: TIME,
      space_id: '66666666-7777-4888-9999-aaaaaaaaaaaa',
      is_deleted: false,
    },
  },
}
const DELETED: Operation = {
  id: '0a0b0c0d-0e0f-4011-8213-141516171819',
  created_at: '2025-07-31T10:20:31.123456789Z',
  operation: { DeleteNote: NOTE },
}

describe('the Dataans formats', () => {
  test('the key of a password and a passphrase', async () => {
    const key = await deriveKey('correct horse battery staple', 'Lantern-Orchid-Basalt-Quiver-Meadow')
    expect(key.toString('hex')).toBe(KEY.toString('hex'))
  })

  test('the hash of a key, as two implementations of argon2id compute it', () => {
    const phc = hashKey(KEY, Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'))
    expect(phc).toBe('$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$ej+yM9KDaIZecgPCluHOgawzUZzOA96Rck/78lVmfTQ')
    expect(isHashOfKey(phc, KEY)).toBe(true)
    expect(isHashOfKey(phc, Buffer.alloc(32))).toBe(false)
    expect(() => isHashOfKey('$2b$10$notargon', KEY)).toThrow(TypeError)
  })

  test('an envelope, and each of its bytes counts', () => {
    const sealed = seal(KEY, Buffer.from('tbt'), NONCE)
    expect(sealed.toString('hex')).toBe(SEALED)
    expect(open(KEY, sealed).toString()).toBe('tbt')
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => open(KEY, changed), `byte ${at}`).toThrow(EnvelopeError)
    }
    expect(() => open(KEY, sealed.subarray(0, 59))).toThrow(EnvelopeError)
  })

  test('the checksums of operations, and the block of both', () => {
    const checksums = [checksumOf(CREATED), checksumOf(DELETED)]
    expect(checksums.map((checksum) => checksum.toString('hex'))).toEqual([
      '39652309b5082ebee1c71cc8b75fa4dbe0c3a03b19c44420eaff033adb1b3fef',
      '940a4b41959f6875d48f2079c1ea4bbf6caf6021f2c8cc59a13c8b723eb08931',
    ])
    expect(blocksOf(checksums, 16).map((block) => block.toString('hex'))).toEqual([
      'ba14bb950b3b4793f059f790b43b69bda871f7148864f678fc9373d9b51e6342',
    ])
    expect(blocksOf(checksums, 1)).toHaveLength(2)
    expect(blocksOf([], 16)).toEqual([])
  })

  test('times to the nanosecond, before 1970 and in other zones too', () => {
    expect(nanosOf(TIME)).toBe(1_753_957_230_123_456_789n)
    expect(nanosOf('2025-07-31T12:20:30.123456789+02:00')).toBe(nanosOf(TIME))
    expect(nanosOf('1969-12-31T23:59:59.999999999Z')).toBe(-1n)
    for (const nanos of [0n, -1n, 1n, 1_000n, 1_000_000n, 123_000_000n, 1_753_957_230_123_456_789n, -86_400_000_000_000n]) {
      expect(nanosOf(textOf(nanos))).toBe(nanos)
    }
    expect(textOf(1_753_957_230_120_000_000n)).toBe('2025-07-31T10:20:30.120Z')
    expect(() => nanosOf('2025-07-31')).toThrow(RangeError)
  })
})
