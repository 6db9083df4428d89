/** Past the gate in front of the server: by its own log-in page, or with a token that somebody has from it. */
import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { openGate } from '#account/gate'
import { keepGateToken, type TokenOutcome } from '#account/gate-token'
import { t } from '#strings/strings'

export function GateWays() {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [outcome, setOutcome] = useState<TokenOutcome>()
  const g = t.account.gate

  function use(): void {
    const { current } = field
    if (current === null) return
    const next = keepGateToken(current.value.trim(), Date.now())
    if (next === 'kept') current.value = ''
    setOutcome(next)
  }
  /** It stands inside of forms that are for something else. */
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter') return
    event.preventDefault()
    use()
  }
  return (
    <>
      <button type="button" onClick={openGate}>
        {t.account.trouble.passGate}
      </button>
      <details className="gate-token">
        <summary>{g.haveToken}</summary>
        <div className="field">
          <label htmlFor={id}>{g.token}</label>
          <input
            id={id}
            ref={field}
            type="text"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-describedby={`${id}-help`}
            onKeyDown={onKeyDown}
          />
          <p id={`${id}-help`} className="help" aria-live="polite">
            {outcome === undefined ? g.tokenHint : g.outcomes[outcome]}
          </p>
        </div>
        <button type="button" onClick={use}>
          {g.useToken}
        </button>
      </details>
    </>
  )
}
