/** One attempt at a time, and what came of it in words. */
import { useEffect, useRef, useState } from 'react'
import { explain, type Trouble, type TroubleContext } from '#account/explain'
import { GateWays } from '#ui/account/gate-ways'

export interface Attempts {
  readonly busy: boolean
  readonly trouble: Trouble | undefined
  /** @returns whether it worked */
  readonly attempt: (work: () => Promise<void>) => Promise<boolean>
}

export function useAttempt(context: Omit<TroubleContext, 'origin'>): Attempts {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Trouble>()
  return {
    busy,
    trouble,
    async attempt(work) {
      setBusy(true)
      setTrouble(undefined)
      try {
        await work()
        return true
      } catch (failure) {
        setTrouble(explain(failure, { ...context, origin: location.origin }))
        return false
      } finally {
        setBusy(false)
      }
    },
  }
}

export function TroubleText({ trouble }: { readonly trouble: Trouble | undefined }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (trouble !== undefined) place.current?.scrollIntoView({ block: 'nearest' })
  }, [trouble])
  return (
    <div className="trouble" role="alert" ref={place}>
      {trouble !== undefined && <p className="error">{trouble.text}</p>}
      {trouble?.remedy === 'gate' && <GateWays />}
    </div>
  )
}
