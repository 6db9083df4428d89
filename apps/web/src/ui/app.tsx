/** The whole of it: spaces at the left, a space's notes and the composer at the right, dialogs over both. */
import { useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import type { Command } from '#keys/commands'
import { askToPersist } from '#local/persistence'
import { forgetUnsaved, keepUnsaved, type UnsavedNote, unsavedNotes } from '#local/unsaved'
import { t } from '#strings/strings'
import { noteTitle } from '#text/note-title'
import { AccountDialog } from '#ui/account-dialog'
import { CommandPalette } from '#ui/command-palette'
import { Composer } from '#ui/composer'
import { HistoryDialog } from '#ui/history-dialog'
import { SearchPanel } from '#ui/search-panel'
import { ShortcutsDialog } from '#ui/shortcuts-dialog'
import { Sidebar } from '#ui/sidebar'
import { SpaceBar } from '#ui/space-bar'
import { SpaceDialog } from '#ui/space-dialog'
import { CannotStore, MemoryBanner } from '#ui/storage'
import { type Jump, Timeline } from '#ui/timeline'
import { useToast } from '#ui/toasts'
import { TrashDialog } from '#ui/trash-dialog'
import { useCommandKeys } from '#ui/use-commands'
import { useDrawer } from '#ui/use-drawer'
import { useAnswer, useVault } from '#ui/vault'
import { newId } from '#vault/ids'

type Panel = 'account' | 'search' | 'search-space' | 'trash' | 'palette' | 'shortcuts' | 'space' | { readonly history: string }

/** A vault that has no space yet gets this one with its first note. */
const FIRST_SPACE = 'first'

export function App() {
  const vault = useVault()
  const toast = useToast()
  const { value: spaces, error } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const [chosen, setChosen] = useState<string>()
  const [panel, setPanel] = useState<Panel>()
  const [jump, setJump] = useState<Jump>()
  const [adding, setAdding] = useState(false)
  const drawer = useDrawer()
  const field = useRef<HTMLTextAreaElement>(null)
  const space = spaces?.find(({ id }) => id === chosen) ?? spaces?.[0]
  const own = space !== undefined && !space.deleted ? space : undefined
  const idle = new Set<Command>(own === undefined ? ['editSpace', 'deleteSpace'] : [])
  useCommandKeys(run, panel === 'shortcuts')
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page is opened
  useEffect(() => {
    for (const note of unsavedNotes()) void handOver(note).catch(({ message }: Error) => toast({ text: message }))
  }, [])

  function select(id: string): void {
    setChosen(id)
    setPanel(undefined)
    drawer.close()
  }
  function open(spaceId: string, note: string): void {
    select(spaceId)
    setJump({ note, focus: true })
  }
  function step(by: number): void {
    const list = spaces ?? []
    const next = list[(list.findIndex(({ id }) => id === space?.id) + by + list.length) % list.length]
    if (next !== undefined) select(next.id)
  }
  const does: Readonly<Record<Command, () => void>> = {
    palette: () => setPanel('palette'),
    search: () => setPanel('search'),
    searchSpace: () => setPanel(space === undefined ? 'search' : 'search-space'),
    toggleSpaces: drawer.toggle,
    editSpace: () => setPanel('space'),
    previousSpace: () => step(-1),
    nextSpace: () => step(1),
    newSpace() {
      drawer.open()
      setAdding(true)
    },
    writeNote: () => field.current?.focus(),
    lastNote: () => setJump({ note: 'newest', focus: true }),
    deleteSpace: () => void removeSpace(),
    trash: () => setPanel('trash'),
    appInfo: () => setPanel('account'),
    shortcuts: () => setPanel('shortcuts'),
  }
  function run(command: Command): void {
    if (idle.has(command)) return
    // A dialog that is open would keep the focus, and the drawer stay behind the one that comes.
    flushSync(() => {
      setPanel(undefined)
      if (command !== 'toggleSpaces') drawer.close()
    })
    does[command]()
  }
  async function handOver(note: UnsavedNote): Promise<void> {
    if (note.space === FIRST_SPACE) await vault.addSpace({ id: FIRST_SPACE, name: t.firstSpace, now: note.now })
    await vault.addNote(note)
    forgetUnsaved(note.id)
  }
  async function save(text: string): Promise<void> {
    const note = { id: newId(), space: space?.id ?? FIRST_SPACE, title: noteTitle(text), text, now: Date.now() }
    keepUnsaved(note)
    try {
      await handOver(note)
    } catch (failure) {
      forgetUnsaved(note.id)
      throw failure
    }
    setJump({ note: 'newest', focus: false })
    askToPersist()
  }
  async function removeSpace(): Promise<void> {
    if (own === undefined) return
    setPanel(undefined)
    try {
      await vault.removeSpace(own.id)
      toast({ text: t.spaceDeleted(own.name), undo: () => void vault.restoreSpace(own.id) })
    } catch (failure) {
      toast({ text: (failure as Error).message })
    }
  }

  if (error !== undefined) return <CannotStore error={error} />
  const close = () => setPanel(undefined)
  return (
    <div className={drawer.className}>
      <Sidebar
        element={drawer.element}
        adding={adding}
        onAdding={setAdding}
        current={space?.id}
        onSelect={select}
        onAppInfo={() => run('appInfo')}
        onTrash={() => run('trash')}
      />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape and the menu button do the same */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
      <div className="shade" onClick={drawer.close} />
      <main inert={drawer.isOver}>
        <MemoryBanner />
        <SpaceBar space={space} idle={idle} drawer={drawer} onRun={run} />
        {spaces !== undefined && (
          <Timeline
            key={space?.id ?? FIRST_SPACE}
            space={space?.id ?? FIRST_SPACE}
            jump={jump}
            onHistory={(id) => setPanel({ history: id })}
            onLeave={() => field.current?.focus()}
          />
        )}
        <Composer space={space?.id ?? FIRST_SPACE} onSave={save} field={field} />
      </main>
      {panel === 'account' && <AccountDialog onClose={close} />}
      {panel === 'trash' && <TrashDialog onClose={close} />}
      {panel === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {panel === 'space' && own !== undefined && <SpaceDialog space={own} onDelete={() => run('deleteSpace')} onClose={close} />}
      {(panel === 'search' || panel === 'search-space') && (
        <SearchPanel
          space={panel === 'search-space' ? space : undefined}
          onEverywhere={() => setPanel('search')}
          onOpen={open}
          onClose={close}
        />
      )}
      {panel === 'palette' && <CommandPalette idle={idle} onRun={run} onSpace={select} onNote={open} onClose={close} />}
      {typeof panel === 'object' && <HistoryDialog id={panel.history} onClose={close} />}
    </div>
  )
}
