/** A menu that opens when it is put on the page, below the button that is its own. */
import { DropdownMenu } from 'radix-ui'
import { type FocusEvent, Fragment, useState } from 'react'
import { Icon } from '#ui/icons'
import { Keys } from '#ui/keys'
import { useCloseRequest } from '#ui/use-close-request'

export interface MenuItem {
  readonly text: string
  /** Shown beside it. */
  readonly chords: string
  readonly danger?: boolean
  readonly onSelect: () => void
}

interface MenuProps {
  readonly label: string
  /** In groups, with a line between two. */
  readonly groups: readonly (readonly MenuItem[])[]
  /** It was opened by a key: its first item has the focus then. */
  readonly byKey: boolean
}

export function Menu({ label, groups, byKey }: MenuProps) {
  const [open, setOpen] = useState(true)
  useCloseRequest(() => setOpen(false), open)
  const enter = ({ target, currentTarget }: FocusEvent<HTMLElement>) => {
    if (byKey && target === currentTarget) currentTarget.querySelector<HTMLElement>('[role=menuitem]')?.focus()
  }
  return (
    <DropdownMenu.Root modal={false} open={open} onOpenChange={setOpen}>
      <DropdownMenu.Trigger className="icon-button" aria-label={label} title={label}>
        <Icon name="more" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" onFocus={enter}>
          {groups.map((group, i) => (
            <Fragment key={group[0]?.text}>
              {i > 0 && <DropdownMenu.Separator className="menu-line" />}
              {group.map(({ text, chords, danger, onSelect }) => (
                <DropdownMenu.Item key={text} className={danger ? 'menu-item danger' : 'menu-item'} onSelect={onSelect}>
                  {text} <Keys chords={chords} aside />
                </DropdownMenu.Item>
              ))}
            </Fragment>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
