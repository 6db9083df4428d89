/** Above a space's notes: its name, the search, what can be done with it. */
import type { Command } from '#keys/commands'
import { useShortcutKeys } from '#local/shortcuts'
import { t } from '#strings/strings'
import { Bar, BarButton } from '#ui/bar'
import { MenuButton } from '#ui/menu-button'
import type { Drawer } from '#ui/use-drawer'

interface SpaceBarProps {
  readonly space: { readonly name: string } | undefined
  /** Commands that would do nothing now. */
  readonly idle: ReadonlySet<Command>
  readonly drawer: Drawer
  readonly onRun: (command: Command) => void
}

/** What the menu offers, in groups. */
const MENU: readonly (readonly Command[])[] = [['searchSpace', 'editSpace'], ['palette', 'shortcuts'], ['deleteSpace']]

export function SpaceBar({ space, idle, drawer, onRun }: SpaceBarProps) {
  const shortcuts = useShortcutKeys()
  const menu = () =>
    MENU.map((group) =>
      group
        .filter((command) => !idle.has(command))
        .map((command) => ({
          text: t.commands[command],
          chords: shortcuts[command],
          danger: command === 'deleteSpace',
          onSelect: () => onRun(command),
        })),
    ).filter((group) => group.length > 0)
  return (
    <Bar title={space?.name ?? t.firstSpace} drawer={drawer}>
      <BarButton icon="search" label={t.search} command="search" onRun={onRun} />
      <MenuButton label={t.more} groups={menu} />
    </Bar>
  )
}
