/** Search across all spaces, as you type. */
import { useDeferredValue, useState } from 'react'
import { t } from '#strings/strings'
import { Dialog } from '#ui/dialog'
import { useAnswer, useVault } from '#ui/vault'

const MOST = 50

interface SearchPanelProps {
  readonly onOpen: (space: string, note: string) => void
  readonly onClose: () => void
}

export function SearchPanel({ onOpen, onClose }: SearchPanelProps) {
  const vault = useVault()
  const [text, setText] = useState('')
  const asked = useDeferredValue(text.trim())
  const { value: found } = useAnswer({
    key: `search ${asked}`,
    tables: ['notes', 'spaces'],
    ask: async () => {
      if (asked === '') return undefined
      const { ids, backlog } = await vault.search(asked, MOST)
      return { notes: await vault.notes(ids), backlog }
    },
  })
  return (
    <Dialog title={t.search} onClose={onClose}>
      <input
        type="search"
        value={text}
        aria-label={t.search}
        placeholder={t.search}
        onChange={({ target }) => setText(target.value)}
      />
      <p role="status" className="hint">
        {found !== undefined && (found.notes.length === 0 ? t.nothingFound : t.found(found.notes.length))}{' '}
        {found !== undefined && found.backlog > 0 && t.searchAgain(found.backlog)}
      </p>
      <ul className="entries results">
        {found?.notes.map(({ id, title, space, spaceId, text: body }) => (
          <li key={id}>
            <button type="button" className="result" onClick={() => spaceId !== null && onOpen(spaceId, id)}>
              <strong>{title}</strong>
              <small>{space}</small>
              <span className="snippet">{body.slice(0, 160)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
