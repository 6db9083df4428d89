/** Above what a place shows: the button of the drawer, the place's name, what can be done there. */
import type { ReactNode } from 'react'
import type { Command } from '#keys/commands'
import { labelOf } from '#keys/keyboard'
import { useShortcutKeys } from '#local/shortcuts'
import { t } from '#strings/strings'
import { Icon, type IconName } from '#ui/icons'
import { BarState } from '#ui/state-line'
import type { Drawer } from '#ui/use-drawer'

interface BarProps {
  readonly title: string
  readonly drawer: Drawer
  readonly children?: ReactNode
}

function useTitleWithKeys(text: string, command: Command): string {
  const shortcuts = useShortcutKeys()
  return shortcuts[command] === '' ? text : `${text} (${labelOf(shortcuts[command])})`
}

interface BarButtonProps {
  readonly icon: IconName
  readonly label: string
  readonly command: Command
  readonly onRun: (command: Command) => void
}

/** Runs a command; its keys stand in its title. */
export function BarButton({ icon, label, command, onRun }: BarButtonProps) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={useTitleWithKeys(label, command)}
      onClick={() => onRun(command)}
    >
      <Icon name={icon} />
    </button>
  )
}

export function Bar({ title, drawer, children }: BarProps) {
  const label = drawer.isShown ? t.hideSpaces : t.showSpaces
  return (
    <header className="bar">
      <button
        type="button"
        ref={drawer.button}
        className="icon-button"
        aria-label={label}
        title={useTitleWithKeys(label, 'toggleSpaces')}
        aria-expanded={drawer.isShown}
        onClick={drawer.toggle}
      >
        <Icon name="menu" />
      </button>
      <div className="bar-title">
        <h1>{title}</h1>
        {!drawer.isShown && <BarState />}
      </div>
      {children}
    </header>
  )
}
