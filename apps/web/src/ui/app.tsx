/** The whole of it: spaces and the other places at the left, the one that is open at the right, dialogs over both. */
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import type { Command } from '#keys/commands'
import { moveDraft } from '#local/drafts'
import { keepLastSpace, readLastSpace } from '#local/last-space'
import { t } from '#strings/strings'
import { Composer } from '#ui/composer'
import { DiffPlaces } from '#ui/lazy-places'
import { type Panel, Panels } from '#ui/panels'
import { useProfileNews } from '#ui/profiles/use-profile-news'
import { Sidebar } from '#ui/sidebar'
import { SpaceBar } from '#ui/space-bar'
import { CannotStore, MemoryBanner } from '#ui/storage'
import { type Jump, Timeline } from '#ui/timeline'
import { useTellFailure, useToast } from '#ui/toasts'
import { useCommandKeys } from '#ui/use-commands'
import { useDrawer } from '#ui/use-drawer'
import { FIRST_SPACE, useNewNotes } from '#ui/use-new-notes'
import { type Go, usePlace } from '#ui/use-place'
import { useTypingLeftBehind } from '#ui/use-typing-left-behind'
import { useAnswer, useVault } from '#ui/vault'

/** Commands about the space that is open. */
const OF_SPACE: readonly Command[] = ['searchSpace', 'editSpace', 'deleteSpace']

export function App() {
  const vault = useVault()
  const toast = useToast()
  const tellFailure = useTellFailure()
  const { value: spaces, error } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const { place, go: goTo, correct } = usePlace()
  const named = place.kind === 'space' ? place.id : undefined
  const [chosen, setChosen] = useState(() => named ?? readLastSpace())
  const [followed, setFollowed] = useState(place)
  // The browser's way back leads to the space that the address says.
  if (followed !== place) {
    setFollowed(place)
    if (named !== undefined) setChosen(named)
  }
  /** It is known whether the space that was shown last is still there. */
  const [opened, setOpened] = useState(false)
  const [panel, setPanel] = useState<Panel>()
  const [jump, setJump] = useState<Jump>()
  const [adding, setAdding] = useState(false)
  const [addingDiff, setAddingDiff] = useState(false)
  const drawer = useDrawer()
  const field = useRef<HTMLTextAreaElement>(null)
  const addNote = useNewNotes()
  const space = spaces?.find(({ id }) => id === chosen) ?? spaces?.[0]
  // It stays the one that is shown, also when one comes that would stand before it: somebody may be writing.
  // (One that was made just now may be chosen before it is in the list.)
  if (spaces !== undefined && !opened) {
    setOpened(true)
    setChosen(space?.id)
  } else if (space !== undefined && chosen === undefined) setChosen(space.id)
  /** Where writing goes, also while it is not known yet what spaces there are. */
  const target = space?.id ?? (spaces === undefined ? chosen : undefined) ?? FIRST_SPACE
  const shown = space?.id
  useEffect(() => {
    if (shown !== undefined) keepLastSpace(shown)
  }, [shown])
  // The address names no space, or one that is not here.
  const isOther = place.kind === 'space' && shown !== named && shown === chosen
  useEffect(() => {
    if (isOther && shown !== undefined) correct({ kind: 'space', id: shown })
  }, [isOther, shown, correct])
  const hasFirst = spaces?.some(({ id }) => id === FIRST_SPACE)
  // What was written for the first space while it was not known that there are others is for the one that is shown.
  useLayoutEffect(() => {
    if (hasFirst === false && shown !== undefined) moveDraft(FIRST_SPACE, shown)
  }, [hasFirst, shown])
  const own = space !== undefined && !space.deleted ? space : undefined
  const idle = new Set<Command>(place.kind !== 'space' ? OF_SPACE : own === undefined ? ['editSpace', 'deleteSpace'] : [])
  useTypingLeftBehind()
  useProfileNews()
  useCommandKeys(run, panel === 'shortcuts')

  const go: Go = (next) => {
    goTo(next.kind === 'space' && next.id === undefined && shown !== undefined ? { kind: 'space', id: shown } : next)
    drawer.close()
  }
  function select(id: string): void {
    setPanel(undefined)
    go({ kind: 'space', id })
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
    writeNote() {
      // A jump that is still on its way would take the focus.
      setJump(undefined)
      flushSync(() => go({ kind: 'space' }))
      field.current?.focus()
    },
    lastNote() {
      go({ kind: 'space' })
      setJump({ note: 'newest', focus: true })
    },
    deleteSpace: () => void removeSpace(),
    diffs: () => go({ kind: 'diffs' }),
    stars: () => go({ kind: 'stars' }),
    addDiff() {
      go({ kind: 'diffs' })
      setAddingDiff(true)
    },
    published: () => setPanel('published'),
    profile: () => go({ kind: 'profile' }),
    profiles: () => setPanel('profiles'),
    exportNotes: () => setPanel('export'),
    importNotes: () => setPanel('import'),
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
  async function save(text: string): Promise<void> {
    await addNote(target, text)
    setJump({ note: 'newest', focus: false })
  }
  async function removeSpace(): Promise<void> {
    if (own === undefined) return
    setPanel(undefined)
    try {
      await vault.removeSpace(own.id)
      toast({ text: t.spaceDeleted(own.name), undo: () => void vault.restoreSpace(own.id).catch(tellFailure) })
    } catch (failure) {
      tellFailure(failure)
    }
  }

  if (error !== undefined) return <CannotStore error={error} />
  return (
    <div className={drawer.className}>
      <Sidebar
        element={drawer.element}
        adding={adding}
        onAdding={setAdding}
        space={place.kind === 'space' ? space?.id : undefined}
        place={place}
        onSelect={select}
        onGo={go}
        onProfiles={() => run('profiles')}
        onAppInfo={() => run('appInfo')}
        onTrash={() => run('trash')}
      />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape and the menu button do the same */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
      <div className="shade" onClick={drawer.close} />
      <main inert={drawer.isOver}>
        <MemoryBanner />
        {place.kind !== 'space' ? (
          <DiffPlaces
            place={place}
            drawer={drawer}
            adding={addingDiff}
            onAdding={setAddingDiff}
            paused={panel !== undefined}
            onGo={go}
            onRun={run}
          />
        ) : (
          <>
            <SpaceBar space={space} idle={idle} drawer={drawer} onRun={run} />
            {spaces === undefined ? (
              <div className="timeline" />
            ) : (
              <Timeline
                key={target}
                space={target}
                jump={jump}
                onJumped={(done) => setJump((jump) => (jump === done ? undefined : jump))}
                onHistory={(id) => setPanel({ history: id })}
                onLeave={() => field.current?.focus()}
                onImport={() => run('importNotes')}
              />
            )}
            <Composer space={target} onSave={save} field={field} />
          </>
        )}
      </main>
      <Panels
        panel={panel}
        onPanel={setPanel}
        place={place}
        space={place.kind === 'space' ? space : undefined}
        idle={idle}
        onRun={run}
        onSpace={select}
        onNote={open}
        onGo={go}
      />
    </div>
  )
}
