/** A tab of the app without what people see: its link to the vault, and an editor. */
import { openLink } from '@lockstep/web/link/browser-link'
import * as Y from 'yjs'

const TEXT = 't'
const notices: unknown[] = []

const link = openLink({
  name: 'main',
  build: 'test',
  startWorker: () => new Worker(new URL('../../../apps/web/src/host/worker.ts', import.meta.url), { type: 'module', name: 'main' }),
  onNotice: (event) => notices.push(event),
})

/** Types letters, each handed over by itself; resolves with the number that were acknowledged. */
async function type(id: string, letters: string): Promise<number> {
  const opened = (await link.ask('openText', id)) as { key: number; base: string; document: Uint8Array }
  const doc = new Y.Doc()
  Y.applyUpdate(doc, opened.document, 'vault')
  let acknowledged = 0
  for (const letter of letters) {
    const before = Y.encodeStateVector(doc)
    const text = doc.getText(TEXT)
    text.insert(text.length, letter)
    const update = Y.encodeStateAsUpdate(doc, before)
    await link.ask('typeText', { id, key: opened.key, base: opened.base, update, now: Date.now() })
    acknowledged++
  }
  return acknowledged
}

Object.assign(globalThis, {
  tab: {
    ask: (method: string, ...args: unknown[]) => link.ask(method, ...args),
    isLeader: () => link.isLeader,
    notices: () => notices,
    type,
  },
})
