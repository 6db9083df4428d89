/** A dialog: over everything, closed by Escape or by its button, focus stays inside and goes back afterwards. */
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'
import { useCloseRequest } from '#ui/use-close-request'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  /** Escape is for something in it just now. */
  readonly holdsEscape?: boolean
  readonly children: ReactNode
}

/** A field that is marked `data-first` is what the dialog was opened for; else the dialog itself is told first, and Tab goes into it. */
function enter(event: Event): void {
  rememberFocus()
  event.preventDefault()
  const { target } = event
  if (target instanceof HTMLElement) (target.querySelector<HTMLElement>('[data-first]') ?? target).focus()
}

/** What had the focus before the first of the dialogs that came one after the other; of a menu it is the menu's button. */
let before: HTMLElement | null = null

function rememberFocus(): void {
  const { activeElement } = document
  const menu = activeElement?.closest('[role=menu]')?.getAttribute('aria-labelledby')
  const element = menu == null ? activeElement : document.getElementById(menu)
  if (element instanceof HTMLElement && element !== document.body && element.closest('[role=dialog]') === null) before = element
}

/** What the dialog was closed for may have taken the focus already. */
function leave(event: Event): void {
  event.preventDefault()
  if (document.activeElement === document.body) before?.focus()
}

export function Dialog({ title, onClose, holdsEscape = false, children }: DialogProps) {
  useCloseRequest(onClose)
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content
          className="dialog"
          aria-describedby={undefined}
          onOpenAutoFocus={enter}
          onCloseAutoFocus={leave}
          onEscapeKeyDown={(event) => holdsEscape && event.preventDefault()}
        >
          <header>
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close className="icon-button" aria-label={t.close}>
              <Icon name="close" />
            </Radix.Close>
          </header>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
