import { beforeEach, expect, test, vi } from 'vitest'

/** The module as a page has it that is loaded now. */
async function load() {
  vi.resetModules()
  return import('#local/profiles')
}

function storage(): Storage {
  const texts = new Map<string, string>()
  return {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, value: string) => void texts.set(key, value),
    removeItem: (key: string) => void texts.delete(key),
    clear: () => texts.clear(),
    key: (i: number) => [...texts.keys()][i] ?? null,
    get length() {
      return texts.size
    },
  }
}

beforeEach(() => {
  vi.stubGlobal('localStorage', storage())
  vi.stubGlobal('sessionStorage', storage())
  return () => vi.unstubAllGlobals()
})

const known = () => JSON.parse(localStorage.getItem('lockstep-browser/profiles') ?? '[]') as { id: string; name: string }[]

test('a browser begins with one, and shows it', async () => {
  const { parseProfiles, shownProfile } = await load()
  expect(shownProfile).toBe('main')
  expect(parseProfiles(undefined)).toEqual([{ id: 'main', name: '', news: undefined }])
})

test('a tab goes on showing its own; a new tab shows the one chosen last', async () => {
  const { addProfile, showNext } = await load()
  addProfile('work', 'Work')
  showNext('work')
  expect((await load()).shownProfile).toBe('work')
  const tab = sessionStorage
  vi.stubGlobal('sessionStorage', storage())
  const second = await load()
  expect(second.shownProfile).toBe('work')
  second.showNext('main')
  vi.stubGlobal('sessionStorage', tab)
  expect((await load()).shownProfile).toBe('work')
})

test('one that is forgotten is shown no more, and leaves the others', async () => {
  const { addProfile, showNext } = await load()
  addProfile('work', 'Work')
  addProfile('play', 'Play')
  showNext('work')
  const { forgetProfile } = await load()
  forgetProfile('work')
  expect(known().map(({ id }) => id)).toEqual(['main', 'play'])
  expect((await load()).shownProfile).toBe('main')
})

test('with the last one goes whatever the browser kept', async () => {
  localStorage.setItem('lockstep-browser/image-hosts', '["example.com"]')
  localStorage.setItem('other', 'stays')
  const { forgetProfile } = await load()
  forgetProfile('main')
  expect(localStorage.getItem('lockstep-browser/image-hosts')).toBe(null)
  expect(localStorage.getItem('other')).toBe('stays')
})

test('what was learned of one is known of it alone, and outlives the page', async () => {
  const { addProfile, learnOfProfile } = await load()
  addProfile('work', 'Work')
  learnOfProfile('work', { news: { state: 'pending', pending: 3, lastSyncedAt: 5 } })
  const { parseProfiles } = await load()
  expect(parseProfiles(known())).toEqual([
    { id: 'main', name: '', news: undefined },
    { id: 'work', name: 'Work', news: { state: 'pending', pending: 3, lastSyncedAt: 5 } },
  ])
})

test('what is no profile is passed over', async () => {
  localStorage.setItem('lockstep-browser/profiles', '[1, {"id": "../x"}, {"id": "a", "name": 7, "news": {"state": 1}}]')
  const { parseProfiles } = await load()
  expect(parseProfiles(known())).toEqual([
    { id: 'main', name: '', news: undefined },
    { id: 'a', name: '', news: undefined },
  ])
})

test('a browser that keeps nothing shows the first', async () => {
  const refuse = (): never => {
    throw new Error('denied')
  }
  const denied = { getItem: refuse, setItem: refuse, removeItem: refuse, key: refuse, length: 0 }
  vi.stubGlobal('localStorage', denied)
  vi.stubGlobal('sessionStorage', denied)
  const { addProfile, shownProfile, showNext } = await load()
  addProfile('work', 'Work')
  showNext('work')
  expect(shownProfile).toBe('main')
})
