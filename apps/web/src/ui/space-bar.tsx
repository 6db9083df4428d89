/** Above a space's notes: its name, the search, what can be done with it. */
import { DropdownMenu } from 'radix-ui'
import { Fragment } from 'react'
import type { Command } from '#keys/commands'
import { labelOf } from '#keys/keyboard'
import { useShortcutKeys } from '#local/shortcuts'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'
import { Keys } from '#ui/keys'
import { BarState } from '#ui/state-line'
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
  const withKeys = (text: string, command: Command) =>
    shortcuts[command] === '' ? text : `${text} (${labelOf(shortcuts[command])})`
  const spacesLabel = drawer.isShown ? t.hideSpaces : t.showSpaces
  return (
    <header className="bar">
      <button
        type="button"
        ref={drawer.button}
        className="icon-button"
        aria-label={spacesLabel}
        title={withKeys(spacesLabel, 'toggleSpaces')}
        aria-expanded={drawer.isShown}
        onClick={drawer.toggle}
      >
        <Icon name="menu" />
      </button>
      <div className="bar-title">
        <h1>{space?.name ?? t.firstSpace}</h1>
        {!drawer.isShown && <BarState />}
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label={t.search}
        title={withKeys(t.search, 'search')}
        onClick={() => onRun('search')}
      >
        <Icon name="search" />
      </button>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="icon-button" aria-label={t.more}>
          <Icon name="more" />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end">
            {MENU.map((group) => group.filter((command) => !idle.has(command)))
              .filter((group) => group.length > 0)
              .map((group, i) => (
                <Fragment key={group[0]}>
                  {i > 0 && <DropdownMenu.Separator className="menu-line" />}
                  {group.map((command) => (
                    <DropdownMenu.Item
                      key={command}
                      className={command === 'deleteSpace' ? 'menu-item danger' : 'menu-item'}
                      onSelect={() => onRun(command)}
                    >
                      {t.commands[command]} <Keys chords={shortcuts[command]} aside />
                    </DropdownMenu.Item>
                  ))}
                </Fragment>
              ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </header>
  )
}
