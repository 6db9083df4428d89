/**
 * Known answers of the diff·log formats, computed by another implementation (Python's hashlib and cryptography), so that the
 * client which the other tests use is right by itself; and what that client keeps track of while it talks to nobody.
 */
import { describe, expect, test } from 'vitest'
import { Profile } from './difflog-client/profile.ts'
import { collectionHash, contentKey, decrypt, encrypt, makeSalt, transportHash } from './difflog-client/sealing.ts'

const PASSWORD = 'correct horse battery staple'
const SALT = 'AAECAwQFBgcICQoLDA0ODw=='
const KEY = Buffer.from('49d49c25f597846209f0d92e7770ab64e1c75e94b4ce6c509265ee67175d2a1e', 'hex')
const SEALED = 'AAECAwQFBgcICQoLGE6tPN8bDrJ/EnNwCAFxW1RuSSSCmXFlSZ+fwQHl'

describe('the diff·log formats', () => {
  test('the transport hash of a password', () => {
    expect(transportHash(PASSWORD, SALT)).toBe(`${SALT}:3sO5o+HTaZ+C3L//ZOZXfksRcV7phxk5U4W4IqFuJak=`)
    expect(Buffer.from(makeSalt(), 'base64')).toHaveLength(16)
  })

  test('the content key and what it encrypts', async () => {
    expect((await contentKey(PASSWORD, SALT)).toString('hex')).toBe(KEY.toString('hex'))
    expect(encrypt(KEY, { github: 'k' }, Buffer.from('000102030405060708090a0b', 'hex'))).toBe(SEALED)
    expect(decrypt(KEY, SEALED)).toEqual({ github: 'k' })
    expect(() => decrypt(Buffer.alloc(32), SEALED)).toThrow()
    expect(decrypt(KEY, '{"title":"public"}')).toEqual({ title: 'public' })
  })

  test('the hash of a collection, whatever the order of items and members', () => {
    const a = { id: '1769414400000', title: 'a', content: 'a', generated_at: '2026-01-26T08:00:00Z' }
    const b = { title: 'Züri → b', content: '# b\n', id: '1769500800000', generated_at: '2026-01-27T08:00:00Z' }
    const hash = 'lE0Aufm9eEp0cDSMmNdx5jN9Yq3nayelVXmzQ7cpx/8='
    expect(collectionHash([b, a])).toBe(hash)
    expect(collectionHash([a, { ...b, title: 'Züri → c' }])).not.toBe(hash)
    expect(collectionHash([])).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
  })
})

describe("a diff·log client's change tracking", () => {
  const metadata = { name: 'P', languages: [], frameworks: [], tools: [], topics: [], depth: 'standard', custom_focus: null }
  const fresh = () => new Profile({ id: 'p', metadata, apiKeys: {} })
  const diff = (id: string, day = id) => ({ id, title: id, content: id, generated_at: `2026-01-0${day}T08:00:00Z` })
  const star = (diff_id: string, p_index: number) => ({ id: `${diff_id}:${p_index}`, diff_id, p_index, added_at: 'now' })

  test('a diff takes its stars and TLDRs along', () => {
    const profile = fresh()
    profile.put('diffs', diff('1'))
    profile.put('diffs', diff('2'))
    profile.put('stars', star('1', 0))
    profile.put('stars', star('2', 0))
    profile.put('tldrs', { id: '1:3', diff_id: '1', p_index: 3, text: 'short' })
    profile.delete('diffs', '1')
    expect([profile.ids('diffs'), profile.ids('stars'), profile.ids('tldrs')]).toEqual([['2'], ['2:0'], []])
    const { modified, deleted } = profile.pending
    expect([...deleted.diffs, ...deleted.stars, ...deleted.tldrs]).toEqual(['1', '1:0', '1:3'])
    expect([...modified.diffs, ...modified.stars, ...modified.tldrs]).toEqual(['2', '2:0'])
  })

  test('a diff that is generated again replaces the one of its day', () => {
    const profile = fresh()
    profile.generate(diff('1', '7'))
    profile.put('stars', star('1', 0))
    profile.generate(diff('2', '7'))
    expect([profile.ids('diffs'), profile.ids('stars')]).toEqual([['2'], []])
    expect([...profile.pending.deleted.diffs, ...profile.pending.deleted.stars]).toEqual(['1', '1:0'])
  })

  test('what an upload that failed took is pending again, under what was done since', () => {
    const profile = fresh()
    profile.put('stars', star('1', 0))
    profile.put('stars', star('1', 1))
    profile.delete('stars', '1:1')
    const sent = profile.startUpload()
    expect(profile.hasPending).toBe(false)
    profile.delete('stars', '1:0')
    profile.put('stars', star('1', 1))
    profile.putBack(sent)
    expect([...profile.pending.modified.stars]).toEqual(['1:1'])
    expect([...profile.pending.deleted.stars]).toEqual(['1:0'])
  })
})
