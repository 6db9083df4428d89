/** The places beside the notes: a part of the app that loads apart from the first screen. */
import { t } from '#strings/strings'
import { Bar } from '#ui/bar'
import type { PlaceProps } from '#ui/diffs/place-props'
import { createPart } from '#ui/part'

const Part = createPart(async () => (await import('#ui/diffs/places')).DiffPlaces)

export function DiffPlaces(props: PlaceProps) {
  const { place, drawer, onGo } = props
  return (
    <Part
      props={props}
      fallback={<Bar title={t.diffs.places[place.kind]} drawer={drawer} />}
      onMissing={() => onGo({ kind: 'space' })}
    />
  )
}
