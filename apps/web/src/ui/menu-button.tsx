/** The button of a menu. The menu itself is loaded apart, and put on the page when somebody opens it: each note has one. */
import { useState } from 'react'
import { Icon } from '#ui/icons'
import type { MenuItem } from '#ui/menu'
import { createPart } from '#ui/part'

const MenuPart = createPart(async () => (await import('#ui/menu')).Menu)

interface MenuButtonProps {
  readonly label: string
  /** What it offers, in groups; asked for when it is opened. */
  readonly groups: () => readonly (readonly MenuItem[])[]
}

export function MenuButton({ label, groups }: MenuButtonProps) {
  const [opened, setOpened] = useState<'key' | 'pointer'>()
  const button = (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      aria-haspopup="menu"
      aria-expanded={false}
      // A key's click has no detail.
      onClick={({ detail }) => setOpened(detail === 0 ? 'key' : 'pointer')}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown') return
        event.preventDefault()
        event.stopPropagation()
        setOpened('key')
      }}
    >
      <Icon name="more" />
    </button>
  )
  if (opened === undefined) return button
  return (
    <MenuPart
      props={{ label, groups: groups(), byKey: opened === 'key' }}
      fallback={button}
      onMissing={() => setOpened(undefined)}
    />
  )
}
