/** How far the transfer is that runs. */
import { w } from '#strings/transfer'
import type { Running } from '#transfer/runner'
import { useInView } from '#ui/transfer/use-in-view'

export function Progress({ running, onStop }: { readonly running: Running; readonly onStop: () => void }) {
  const { name, progress, kind, stopping } = running
  const step = w.steps[progress?.step ?? (kind === 'export' ? 'exporting' : 'reading')]
  const place = useInView<HTMLElement>()
  const { done = 0, total = 0 } = progress ?? {}
  return (
    <section ref={place} className="running" aria-label={w.running(name)}>
      <p>
        <strong>{w.running(name)}</strong>
        <span>{stopping ? w.stopping : w.progress(step, done, total)}</span>
      </p>
      <progress aria-label={step} {...(total > 0 && { max: total, value: done })} />
      <p className="help">{w.goesOn}</p>
      <button type="button" disabled={stopping} onClick={onStop}>
        {w.stop}
      </button>
    </section>
  )
}
