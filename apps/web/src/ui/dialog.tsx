/** A dialog: over everything, closed by Escape or by its button, focus stays inside and goes back afterwards. */
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { t } from '#strings/strings'
import { Icon } from '#ui/icons'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

export function Dialog({ title, onClose, children }: DialogProps) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content className="dialog" aria-describedby={undefined}>
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
