/** What every place beside the notes is given. */
import type { Command } from '#keys/commands'
import type { Place } from '#places/place'
import type { Drawer } from '#ui/use-drawer'
import type { Go } from '#ui/use-place'

export interface PlaceProps {
  readonly place: Exclude<Place, { readonly kind: 'space' }>
  readonly drawer: Drawer
  /** Somebody wants to add a diff. */
  readonly adding: boolean
  readonly onAdding: (adding: boolean) => void
  /** A dialog over the place has the keys. */
  readonly paused: boolean
  readonly onGo: Go
  readonly onRun: (command: Command) => void
}
