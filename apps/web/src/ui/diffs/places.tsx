/** Diffs, a diff, stars and the profile: what is loaded with the first of them. */
import { AddDiffDialog } from '#ui/diffs/add-diff-dialog'
import { History } from '#ui/diffs/history'
import type { PlaceProps } from '#ui/diffs/place-props'
import { ProfilePlace } from '#ui/diffs/profile'
import { Reading } from '#ui/diffs/reading'
import { Stars } from '#ui/diffs/stars'
import '#styles/diffs.css'
import '#styles/diff-forms.css'
import '#styles/diff-reading.css'

function Open({ place, drawer, paused, onGo, onRun }: PlaceProps) {
  switch (place.kind) {
    case 'diffs':
      return <History drawer={drawer} onGo={onGo} onRun={onRun} />
    case 'diff':
      return <Reading key={place.id} id={place.id} jump={place} drawer={drawer} paused={paused} onGo={onGo} onRun={onRun} />
    case 'stars':
      return <Stars drawer={drawer} onGo={onGo} onRun={onRun} />
    case 'profile':
      return <ProfilePlace drawer={drawer} />
  }
}

export function DiffPlaces(props: PlaceProps) {
  const { adding, onAdding, onGo } = props
  return (
    <>
      <Open {...props} paused={props.paused || adding} />
      {adding && <AddDiffDialog onClose={() => onAdding(false)} onGo={onGo} />}
    </>
  )
}
