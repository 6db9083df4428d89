/** The whole of it: spaces at the left, a space's notes and the composer at the right, dialogs over both. */
import { DropdownMenu } from 'radix-ui'
import { useEffect, useState } from 'react'
import { t } from '#strings/strings'
import { noteTitle } from '#text/note-title'
import { AccountDialog } from '#ui/account-dialog'
import { Composer } from '#ui/composer'
import { HistoryDialog } from '#ui/history-dialog'
import { Icon } from '#ui/icons'
import { SearchPanel } from '#ui/search-panel'
import { Sidebar } from '#ui/sidebar'
import { Timeline } from '#ui/timeline'
import { useToast } from '#ui/toasts'
import { TrashDialog } from '#ui/trash-dialog'
import { useAnswer, useVault } from '#ui/vault'
import { newId } from '#vault/ids'

type Panel = 'account' | 'search' | 'trash' | { readonly history: string }

/** A vault that has no space yet gets this one with its first note. */
const FIRST_SPACE = 'first'

export function App() {
  const vault = useVault()
  const toast = useToast()
  const { value: spaces, error } = useAnswer({ key: 'spaces', tables: ['spaces', 'notes'], ask: () => vault.spaces() })
  const [chosen, setChosen] = useState<string>()
  const [panel, setPanel] = useState<Panel>()
  const [sidebar, setSidebar] = useState(false)
  const space = spaces?.find(({ id }) => id === chosen) ?? spaces?.[0]

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === 'f') {
        event.preventDefault()
        setPanel('search')
      }
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])

  function select(id: string): void {
    setChosen(id)
    setSidebar(false)
    setPanel(undefined)
  }
  async function save(text: string): Promise<void> {
    const now = Date.now()
    const target = space?.id ?? (await vault.addSpace({ id: FIRST_SPACE, name: t.firstSpace, now }))
    await vault.addNote({ id: newId(), space: target, title: noteTitle(text), text, now })
  }
  async function removeSpace(id: string, name: string): Promise<void> {
    await vault.removeSpace(id)
    toast({ text: t.spaceDeleted(name), undo: () => void vault.restoreSpace(id) })
  }

  if (error !== undefined) return <CannotStore error={error} />
  return (
    <div className={sidebar ? 'app with-sidebar' : 'app'}>
      <Sidebar current={space?.id} onSelect={select} onAppInfo={() => setPanel('account')} onTrash={() => setPanel('trash')} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape and the menu button do the same */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
      <div className="shade" onClick={() => setSidebar(false)} />
      <main>
        <header className="bar">
          <button
            type="button"
            className="icon-button narrow-only"
            aria-label={t.showSpaces}
            aria-expanded={sidebar}
            onClick={() => setSidebar(!sidebar)}
          >
            <Icon name="menu" />
          </button>
          <h2>{space?.name ?? t.firstSpace}</h2>
          <button
            type="button"
            className="icon-button"
            aria-label={t.search}
            title={`${t.search} (Ctrl + F)`}
            onClick={() => setPanel('search')}
          >
            <Icon name="search" />
          </button>
          {space !== undefined && !space.deleted && (
            <DropdownMenu.Root>
              <DropdownMenu.Trigger className="icon-button" aria-label={t.more}>
                <Icon name="more" />
              </DropdownMenu.Trigger>
              <DropdownMenu.Portal>
                <DropdownMenu.Content className="menu" align="end">
                  <DropdownMenu.Item className="menu-item danger" onSelect={() => void removeSpace(space.id, space.name)}>
                    {t.deleteSpace}
                  </DropdownMenu.Item>
                </DropdownMenu.Content>
              </DropdownMenu.Portal>
            </DropdownMenu.Root>
          )}
        </header>
        {spaces !== undefined && (
          <Timeline key={space?.id ?? FIRST_SPACE} space={space?.id ?? FIRST_SPACE} onHistory={(id) => setPanel({ history: id })} />
        )}
        <Composer space={space?.id ?? FIRST_SPACE} onSave={save} />
      </main>
      {panel === 'account' && <AccountDialog onClose={() => setPanel(undefined)} />}
      {panel === 'trash' && <TrashDialog onClose={() => setPanel(undefined)} />}
      {panel === 'search' && <SearchPanel onOpen={select} onClose={() => setPanel(undefined)} />}
      {typeof panel === 'object' && <HistoryDialog id={panel.history} onClose={() => setPanel(undefined)} />}
    </div>
  )
}

function CannotStore({ error }: { readonly error: Error }) {
  return (
    <main className="cannot-store" role="alert">
      <h1>{t.cannotStore}</h1>
      <p>{t.cannotStoreHint}</p>
      <p>
        <small>{error.message}</small>
      </p>
    </main>
  )
}
