import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeUtf8, FormatError, fromHex, toBase64Url, toHex } from '#bytes'
import { decodeSharedDiff, encodeSharedDiff, parseShareLink, printShareLink, type SharedDiff } from '#share'
import { forEachSeed } from '../../../tests/support/random.ts'

const FILE = 'packages/protocol/test/share.test.ts'

interface ShareVector {
  readonly about: string
  readonly server: string
  readonly id: string
  readonly key: string
  readonly diff: SharedDiff
  readonly link: string
  readonly content: string
}
const { shares } = JSON.parse(readFileSync(new URL('../../../tests/vectors/shares-v1.json', import.meta.url), 'utf8')) as {
  readonly shares: readonly ShareVector[]
}

const codeOf = (action: () => unknown): string => {
  try {
    action()
    return 'none'
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return error.code
  }
}

describe('links', () => {
  test.each(shares)('[SHR-3] a link is printed and read: $about', ({ server, id, key, link }) => {
    const parts = { server, id: toBase64Url(fromHex(id)), key: toBase64Url(fromHex(key)) }
    expect(printShareLink(parts)).toBe(link)
    expect(parseShareLink(`  ${link}\n`)).toEqual(parts)
  })

  const id = 'AAECAwQFBgcICQoLDA0ODw'
  const key = 'QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8'
  test.each([
    '',
    'notes',
    `ftp://notes.example.org/s/${id}#${key}`,
    `javascript:alert(1)//s/${id}#${key}`,
    `https://me:secret@notes.example.org/s/${id}#${key}`,
    `https://notes.example.org/s/${id}?a=b#${key}`,
    `https://notes.example.org/s/${id.slice(1)}#${key}`,
    `https://notes.example.org/x/${id}#${key}`,
    `https://notes.example.org/s/${id}`,
    `https://notes.example.org/s/${id}#${key.slice(1)}`,
    `https://notes.example.org/s/${id}#${key.slice(0, -1)}9`,
  ])('[SHR-3] %j is no link', (text) => {
    expect(codeOf(() => parseShareLink(text))).toBe('malformed')
  })

  test('[SHR-3] a refusal does not repeat the key, which may be a whole one', () => {
    expect(() => parseShareLink(`https://notes.example.org/s/x#${key}`)).toThrow(
      expect.not.stringContaining(key) as unknown as string,
    )
  })
})

describe('contents', () => {
  test.each(shares)('[SHR-4] a diff is written and read: $about', ({ diff, content }) => {
    expect(toHex(encodeSharedDiff(diff))).toBe(content)
    expect(decodeSharedDiff(fromHex(content))).toEqual(diff)
  })

  const whole = { version: 1, kind: 'diff', title: 't', date: '2026-11-21', text: 'x' }
  const decode = (value: unknown) => () => decodeSharedDiff(encodeUtf8(JSON.stringify(value)))
  test('[SHR-4] a newer version or another kind is told apart from what is no diff; members it does not know are left out', () => {
    expect(decode({ ...whole, author: 'a' })()).toEqual({ title: 't', date: '2026-11-21', text: 'x' })
    expect(codeOf(decode({ ...whole, version: 2, text: undefined }))).toBe('unsupported')
    expect(codeOf(decode({ ...whole, kind: 'note' }))).toBe('unsupported')
    for (const wrong of [
      { ...whole, title: 1 },
      { ...whole, text: null },
      { ...whole, date: 'today' },
      { ...whole, version: '1' },
      { ...whole, kind: undefined },
      [whole],
      null,
      'diff',
    ]) {
      expect(codeOf(decode(wrong)), JSON.stringify(wrong)).toBe('malformed')
    }
    expect(codeOf(() => decodeSharedDiff(Uint8Array.of(0x7b)))).toBe('malformed')
    expect(codeOf(() => decodeSharedDiff(Uint8Array.of(0xff)))).toBe('malformed')
  })

  test('[SHR-4] a lone surrogate is one replacement character on both sides', () => {
    const text = 'a\ud800b'
    expect(decodeSharedDiff(encodeSharedDiff({ title: text, date: '', text }))).toEqual({
      title: 'a\ufffdb',
      date: '',
      text: 'a\ufffdb',
    })
    expect(decode({ ...whole, text: '\udc00' })().text).toBe('\ufffd')
  })
})

test('[SHR-3] [SHR-4] G10: links and contents, mutated: typed errors only, and what is read is printed again', async () => {
  const seen = { link: 0, noLink: 0, diff: 0, noDiff: 0 }
  await forEachSeed('shares, mutated', 3000, FILE, (random) => {
    const vector = random.pick(shares)
    const mutate = (text: string): string => {
      const at = random.below(text.length + 1)
      const piece = random.pick(['', '#', '/', '%', '?', ' ', 'é', '"', '\\', '}', '\u0000', text.slice(0, random.below(9))])
      return text.slice(0, at) + piece + text.slice(at + random.below(3))
    }
    const link = mutate(vector.link)
    const parsed = codeOf(() => expect(parseShareLink(printShareLink(parseShareLink(link)))).toEqual(parseShareLink(link)))
    seen[parsed === 'none' ? 'link' : 'noLink']++
    const content = encodeUtf8(mutate(Buffer.from(vector.content, 'hex').toString('utf8')))
    const read = codeOf(() => {
      const diff = decodeSharedDiff(content)
      expect(decodeSharedDiff(encodeSharedDiff(diff))).toEqual(diff)
    })
    seen[read === 'none' ? 'diff' : 'noDiff']++
  })
  console.log(`shares, mutated: ${JSON.stringify(seen)}`)
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})
