/** The places beside the notes, loaded with the first of them that somebody opens. */
import { type ComponentProps, lazy, Suspense } from 'react'
import { t } from '#strings/strings'
import { Bar } from '#ui/bar'

const Loaded = lazy(() => import('#ui/diffs/places'))

export function DiffPlaces(props: ComponentProps<typeof Loaded>) {
  return (
    <Suspense fallback={<Bar title={t.diffs.places[props.place.kind]} drawer={props.drawer} />}>
      <Loaded {...props} />
    </Suspense>
  )
}
