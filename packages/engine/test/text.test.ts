import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { TextState, TextUpdate } from '#cell'
import { makeStamp, type ReplicaId } from '#hlc'
import { joinCell } from '#merge'
import { KIND } from '#schema'
import { baseClient, buildDoc, compactText, diffTexts, editText, isYjsUpdate, materialize, textOf } from '#text'
import { forEachSeed, type Random } from '../../../tests/support/random.ts'

const FILE = 'packages/engine/test/text.test.ts'
const stamp = (millis: number, replica = '1') => makeStamp(millis, 0, replica.repeat(32) as ReplicaId)
const client = (random: Random) => 1 + Math.floor(random.float() * 2 ** 52)

/** What people write: letters, line ends of all kinds, NUL, a byte-order mark, combining marks, emoji of one to eleven units. */
const PIECES = [
  'a',
  'b',
  ' the',
  '\n',
  '\r\n',
  '\r',
  '\0',
  '\ufeff',
  'é',
  'e\u0301',
  '€',
  '漢',
  '🙂',
  '😀',
  '👩‍👩‍👧‍👦',
  '\ud83c\udde9\ud83c\uddea',
]
const words = (random: Random, most: number): string =>
  Array.from({ length: random.below(most + 1) }, () => random.pick(PIECES)).join('')

/** A text like `text`: pieces taken out and put in, at the ends of code points. */
function edited(random: Random, text: string): string {
  const points = [...text]
  for (let edits = random.between(1, 4); edits > 0; edits--) {
    const at = random.below(points.length + 1)
    points.splice(at, random.below(4), ...words(random, 3))
  }
  return points.join('')
}

function applied(state: TextState, edit: { key: number; update: TextUpdate } | undefined): TextState {
  if (edit === undefined) return state
  const entry = state.get(edit.key) as NonNullable<ReturnType<typeof state.get>>
  return new Map([...state, [edit.key, { base: entry.base, updates: [...entry.updates, edit.update] }]])
}

function join(a: TextState, b: TextState): TextState {
  const cell = joinCell({ kind: KIND.text, value: a }, { kind: KIND.text, value: b })
  if (cell.kind !== KIND.text) throw new Error('a text stays a text')
  return cell.value
}

describe('diffTexts', () => {
  test('[CELL-3] splices turn one text into the other and never cut a surrogate pair', async () => {
    await forEachSeed('diffTexts', 1500, FILE, (random) => {
      const before = words(random, 12)
      const after = random.chance(0.5) ? edited(random, before) : words(random, 12)
      let text = before
      for (const { at, remove, insert } of diffTexts(before, after)) {
        for (const piece of [text.slice(0, at), text.slice(at, at + remove), text.slice(at + remove), insert]) {
          expect(piece.isWellFormed()).toBe(true)
        }
        text = text.slice(0, at) + insert + text.slice(at + remove)
      }
      expect(text).toBe(after)
    })
  })

  test('[CELL-3] emoji that share half a surrogate pair are replaced whole', () => {
    // U+1F600 and U+1F601 share their high half, U+1F600 and U+1FA00 their low half.
    for (const other of ['\u{1f601}', '\u{1fa00}']) {
      expect(diffTexts('a😀b', `a${other}b`)).toEqual([
        { at: 1, remove: 2, insert: '' },
        { at: 1, remove: 0, insert: other },
      ])
    }
    expect(diffTexts('x', 'x')).toEqual([])
  })

  test('a large rewrite is one splice, a small edit of a large text is a small one', () => {
    const large = Array.from({ length: 40_000 }, (_, i) => String.fromCharCode(97 + ((i * 7919) % 26))).join('')
    expect(diffTexts(large, `${large.slice(0, 20_000)}!${large.slice(20_000)}`)).toEqual([{ at: 20_000, remove: 0, insert: '!' }])
    expect(diffTexts(`<${large}>`, `<${[...large].reverse().join('')}>`)).toHaveLength(1)
  })
})

describe('bases', () => {
  test('[CELL-3] a base’s client id follows from tag and text alone', () => {
    expect(baseClient('', 'text')).toBe(baseClient('', 'text'))
    expect(new Set([baseClient('', 'ab'), baseClient('a', 'b'), baseClient('', 'b'), baseClient('', '')]).size).toBe(4)
    // Checked by hand: 1 + the first 52 bits of SHA-256("lockstep/v1/base" ‖ 00 ‖ "hello").
    expect(baseClient('', 'hello')).toBe(4_051_443_936_560_872)
  })

  test('[CELL-3] two devices that import the same text do not double it, and both edits survive', async () => {
    await forEachSeed('equal bases', 150, FILE, (random) => {
      const base = `x${words(random, 10)}`
      const left = textOf(stamp(1, '1'), base)
      const right = textOf(stamp(2, '2'), base)
      expect(materialize(join(left, right))).toEqual({ text: base, loading: false, conflicts: [] })
      const a = applied(left, editText(left, `left ${base}`, client(random)))
      const b = applied(right, editText(right, `${base} right`, client(random)))
      const text = `left ${base} right`
      expect(materialize(join(a, b)).text).toBe(text)
      expect(materialize(join(b, a))).toEqual({ text, loading: false, conflicts: [] })
    })
  })

  test('[CELL-3] of texts written from scratch at once the later shows and the other is kept', () => {
    const state = join(join(textOf(stamp(1), 'one'), textOf(stamp(3), 'three')), textOf(stamp(2), 'two'))
    expect(materialize(state)).toEqual({ text: 'three', loading: false, conflicts: ['two', 'one'] })
  })

  test('[CELL-3] an update without its base, or without its predecessor, is loading and complete once they come', () => {
    const base = textOf(stamp(1), 'base')
    const first = editText(base, 'base first', 11)
    const one = applied(base, first)
    const second = editText(one, 'base first second', 12)
    const two = applied(one, second)
    const [key] = base.keys() as unknown as [number]
    const orphan: TextState = new Map([[key, { base: undefined, updates: [(second as { update: TextUpdate }).update] }]])
    expect(materialize(orphan)).toEqual({ text: '', loading: true, conflicts: [] })
    const gap = join(orphan, base)
    expect(materialize(gap).loading).toBe(true)
    expect(materialize(join(gap, one))).toEqual({ text: 'base first second', loading: false, conflicts: [] })
    expect(materialize(join(gap, one)).text).toBe(materialize(two).text)
  })
})

describe('editing', () => {
  test('[CELL-3] any number of devices that edit apart end with one text that has every insertion', async () => {
    await forEachSeed('concurrent text', 60, FILE, (random) => {
      const base = textOf(stamp(1), words(random, 8))
      const devices: TextState[] = [base, base, base]
      const markers: string[] = []
      for (let step = 0; step < 12; step++) {
        const i = random.below(devices.length)
        const mine = devices[i] as TextState
        if (random.chance(0.3)) {
          devices[i] = join(mine, random.pick(devices))
          continue
        }
        const points = [...materialize(mine).text]
        const marker = `<${markers.length}>`
        // Insertions only between code points and outside of markers: then every marker must survive.
        const at = points.lastIndexOf('>') + 1 || random.below(points.length + 1)
        points.splice(at, 0, marker)
        markers.push(marker)
        devices[i] = applied(mine, editText(mine, points.join(''), client(random)))
      }
      const all = devices.reduce(join)
      const { text, loading } = materialize(all)
      expect(loading).toBe(false)
      for (const marker of markers) expect(text).toContain(marker)
      for (const order of [devices.toReversed(), random.shuffle(devices)]) expect(materialize(order.reduce(join)).text).toBe(text)
      expect(materialize(compactText(all))).toEqual({ text, loading, conflicts: [] })
      expect(text.isWellFormed()).toBe(true)
    })
  })

  test('[CELL-3] compaction keeps text, also of edits it had not seen when it was made', async () => {
    await forEachSeed('compaction', 60, FILE, (random) => {
      let state = textOf(stamp(1), words(random, 20))
      for (let i = 0; i < 6; i++) state = applied(state, editText(state, edited(random, materialize(state).text), client(random)))
      const other = applied(state, editText(state, `${materialize(state).text} late`, client(random)))
      const compacted = compactText(state)
      expect(materialize(compacted).text).toBe(materialize(state).text)
      expect([...compacted.values()][0]?.updates).toHaveLength(1)
      expect(materialize(join(compacted, other)).text).toBe(materialize(other).text)
      expect(materialize(join(compacted, state)).text).toBe(materialize(state).text)
    })
  })

  test('[CELL-3] a whole-text write becomes just the edit: rewriting a word costs bytes of a word', () => {
    const before = 'word '.repeat(2000)
    const state = textOf(stamp(1), before)
    const edit = editText(state, before.replace('word', 'sword'), 99)
    expect(edit?.update.bytes.length).toBeLessThan(60)
    expect(editText(state, before, 100)).toBeUndefined()
    expect(editText(new Map(), 'x', 101)).toBeUndefined()
  })
})

describe('hostile updates', () => {
  test('[CELL-3] updates that Yjs cannot read are told apart, and those it reads never break the text', async () => {
    let kept = 0
    await forEachSeed('mutated updates', 1500, FILE, (random) => {
      const base = textOf(stamp(1), 'base text 🙂')
      const made = editText(base, 'bass text 🙂 and more', client(random)) as { key: number; update: TextUpdate }
      const update = made.update.bytes.slice()
      for (let changes = random.between(1, 4); changes > 0; changes--) update[random.below(update.length)] = random.below(256)
      if (!isYjsUpdate(update)) return
      kept++
      const state = applied(base, { key: made.key, update: { base: made.update.base, bytes: update } })
      // Whatever it means, every operation on the text goes on working, and what compaction leaves can be read again.
      const next = applied(state, editText(state, 'what a person writes', client(random)))
      for (const text of [state, next, compactText(state), compactText(next)]) {
        expect(typeof materialize(text).text).toBe('string')
        for (const { updates } of text.values()) for (const left of updates) expect(isYjsUpdate(left.bytes)).toBe(true)
      }
    })
    expect(kept).toBeGreaterThan(0)
    expect(isYjsUpdate(new Uint8Array(0))).toBe(false)
    expect(isYjsUpdate(Uint8Array.of(255, 255, 255, 255, 255))).toBe(false)
  })

  test('a base is one insertion into the text named "t"', () => {
    const { doc } = buildDoc(5, { base: { stamp: stamp(1), tag: '', text: 'abc' }, updates: [] })
    expect(doc.getText('t').toString()).toBe('abc')
    expect([...Y.decodeStateVector(Y.encodeStateVector(doc))]).toEqual([[5, 3]])
    doc.destroy()
  })
})
