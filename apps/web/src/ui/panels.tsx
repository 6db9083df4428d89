/** The dialogs over all places: at most one is open. */
import type { Command } from '#keys/commands'
import type { Place } from '#places/place'
import {
  AccountDialog,
  CommandPalette,
  HistoryDialog,
  ProfilesDialog,
  PublishedDialog,
  SearchPanel,
  ShortcutsDialog,
  SpaceDialog,
  TransferDialog,
  TrashDialog,
} from '#ui/dialogs'
import type { Space } from '#ui/space-dialog'
import type { Go } from '#ui/use-place'

export type Panel =
  | 'account'
  | 'search'
  | 'search-space'
  | 'trash'
  | 'published'
  | 'export'
  | 'import'
  | 'profiles'
  | 'palette'
  | 'shortcuts'
  | 'space'
  | { readonly history: string }

interface PanelsProps {
  readonly panel: Panel | undefined
  readonly onPanel: (panel: Panel | undefined) => void
  /** The one whose notes are shown; none where a search would not be in it. */
  readonly space: Space | undefined
  readonly place: Place
  readonly idle: ReadonlySet<Command>
  readonly onRun: (command: Command) => void
  readonly onSpace: (id: string) => void
  readonly onNote: (space: string, note: string) => void
  readonly onGo: Go
}

export function Panels({ panel, onPanel, space, place, idle, onRun, onSpace, onNote, onGo }: PanelsProps) {
  const close = () => onPanel(undefined)
  const go: Go = (place) => {
    close()
    onGo(place)
  }
  if (typeof panel === 'object') return <HistoryDialog id={panel.history} onClose={close} />
  switch (panel) {
    case undefined:
      return null
    case 'account':
      return <AccountDialog onTransfer={() => onPanel('export')} onClose={close} />
    case 'export':
    case 'import':
      return <TransferDialog view={panel} onView={onPanel} onClose={close} />
    case 'trash':
      return <TrashDialog onClose={close} />
    case 'profiles':
      return <ProfilesDialog onClose={close} />
    case 'published':
      return (
        <PublishedDialog diff={place.kind === 'diff' ? place.id : undefined} onAppInfo={() => onRun('appInfo')} onClose={close} />
      )
    case 'shortcuts':
      return <ShortcutsDialog onClose={close} />
    case 'space':
      return space === undefined || space.deleted ? null : (
        <SpaceDialog space={space} onDelete={() => onRun('deleteSpace')} onClose={close} />
      )
    case 'search':
    case 'search-space':
      return (
        <SearchPanel
          space={panel === 'search-space' ? space : undefined}
          onEverywhere={() => onPanel('search')}
          onOpen={onNote}
          onGo={go}
          onClose={close}
        />
      )
    case 'palette':
      return <CommandPalette idle={idle} onRun={onRun} onSpace={onSpace} onNote={onNote} onGo={go} onClose={close} />
  }
}
