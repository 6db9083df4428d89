/** Tabs of two builds beside each other: the newcomer leads, and nothing written in the others is lost. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Link, type TabChannel } from '#link/link'
import type { HostMessage, Request, TabMessage } from '#link/messages'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A browser: one channel, one lock, and a vault that writes down what it was asked, and by a host of which build. */
function browser() {
  const listeners = new Map<string, (message: TabMessage) => void>()
  const queue: { readonly signal: AbortSignal; readonly hold: () => void }[] = []
  let held = false
  const done: string[] = []

  function grant(): void {
    const next = queue.find(({ signal }) => !signal.aborted)
    if (held || next === undefined) return
    queue.splice(0, queue.indexOf(next) + 1)
    held = true
    next.signal.addEventListener('abort', () => {
      held = false
      grant()
    })
    next.hold()
  }
  const lead = (signal: AbortSignal): Promise<void> =>
    new Promise((hold) => {
      queue.push({ signal, hold })
      queueMicrotask(grant)
    })
  function channelOf(tab: string): TabChannel {
    return {
      post: (message) => {
        for (const [other, listener] of listeners) if (other !== tab) queueMicrotask(() => listener(message))
      },
      onMessage: (listener) => listeners.set(tab, listener),
      close: () => listeners.delete(tab),
    }
  }
  function open(tab: string, build: string) {
    const elder = vi.fn()
    const link = new Link({
      tab,
      build,
      channel: channelOf(tab),
      lead,
      startHost() {
        let running = true
        let answer: (message: HostMessage) => void = () => {}
        return {
          post(message) {
            const { tab: asker, id, method } = message as Request
            queueMicrotask(() => {
              if (!running) return
              done.push(`${build} does ${method} of ${asker}`)
              answer({ type: 'answer', tab: asker, id, result: build })
            })
          },
          onMessage: (listener) => {
            answer = listener
          },
          terminate: () => {
            running = false
          },
        }
      },
      onNotice: () => {},
      onElder: elder,
    })
    return { link, elder, ask: (method: string) => link.ask(method) }
  }
  return { open, done, settle: () => vi.advanceTimersByTimeAsync(10_000) }
}

test('the newcomer of another build leads; what is written in the others reaches it, and nothing else of theirs does', async () => {
  const { open, done, settle } = browser()
  const [first, second] = [open('first', 'old'), open('second', 'old')]
  expect(await second.ask('notes')).toBe('old')
  const newcomer = open('newcomer', 'new')
  expect(await newcomer.ask('notes')).toBe('new')
  expect([first.link.isLeader, second.link.isLeader, newcomer.link.isLeader]).toEqual([false, false, true])
  expect([first.elder.mock.calls.length, second.elder.mock.calls.length, newcomer.elder.mock.calls.length]).toEqual([1, 1, 0])

  const asked = vi.fn()
  first.ask('notes').then(asked, asked)
  for (const tab of [first, second]) expect(await tab.ask('typeText')).toBe('new')
  await settle()
  expect(done.slice(-2)).toEqual(['new does typeText of first', 'new does typeText of second'])
  expect(asked).not.toHaveBeenCalled()

  // With the newcomer gone the others go on as before.
  newcomer.link.close()
  await settle()
  expect(asked).toHaveBeenCalledWith('old')
  expect(await second.ask('notes')).toBe('old')
})

test('what was under way when the newcomer came is done by it', async () => {
  const { open, settle } = browser()
  const [first, second] = [open('first', 'old'), open('second', 'old')]
  await first.ask('notes')
  const typed = Promise.all([first.ask('typeText'), second.ask('addNote')])
  const newcomer = open('newcomer', 'new')
  expect((await typed).every((by) => by === 'old' || by === 'new')).toBe(true)
  await settle()
  expect(newcomer.link.isLeader).toBe(true)
  expect(await newcomer.ask('notes')).toBe('new')
})

test('two newcomers at once: one of them leads, and an elder that leads again later does so once', async () => {
  const { open, settle } = browser()
  const first = open('first', 'old')
  await first.ask('notes')
  const newcomers = [open('one', 'new'), open('two', 'new')]
  expect(await Promise.all(newcomers.map(({ ask }) => ask('notes')))).toEqual(['new', 'new'])
  await settle()
  expect(newcomers.filter(({ link }) => link.isLeader)).toHaveLength(1)
  for (const { link } of newcomers) link.close()
  await settle()
  expect(await first.ask('notes')).toBe('old')
  first.link.close()
  expect(await open('last', 'old').ask('notes')).toBe('old')
})

test('a newcomer that goes before it could lead keeps nobody from leading', async () => {
  const { open, settle } = browser()
  const first = open('first', 'old')
  await first.ask('notes')
  open('newcomer', 'new').link.close()
  await settle()
  expect(await first.ask('notes')).toBe('old')
})

test('tabs of one build take turns as they came', async () => {
  const { open } = browser()
  const [first, second] = [open('first', 'old'), open('second', 'old')]
  await second.ask('notes')
  expect([first.link.isLeader, first.elder.mock.calls.length]).toEqual([true, 0])
  first.link.close()
  expect(await second.ask('notes')).toBe('old')
  expect(second.link.isLeader).toBe(true)
})
