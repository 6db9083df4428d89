/** Keys as they are labelled; chords with a blank between them are alternatives. */
import { labelOf } from '#keys/keyboard'

interface KeysProps {
  readonly chords: string
  /** Beside what has a name of its own: then they are not read out. */
  readonly aside?: boolean
}

export function Keys({ chords, aside = false }: KeysProps) {
  if (chords === '') return null
  return (
    <span className="keys" aria-hidden={aside || undefined}>
      {chords.split(' ').map((chord) => (
        <kbd key={chord}>{labelOf(chord)}</kbd>
      ))}
    </span>
  )
}
