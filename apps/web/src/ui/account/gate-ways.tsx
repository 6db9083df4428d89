/** Past the gate in front of the server: by its own log-in page, or with a token that somebody has from it. */
import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { openGate } from '#account/gate'
import { keepGateToken, type TokenOutcome } from '#account/gate-token'
import { t } from '#strings/strings'
import { useVault } from '#ui/vault'

export function GateWays() {
  const vault = useVault()
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [outcome, setOutcome] = useState<TokenOutcome>()
  const g = t.account.gate

  async function use(): Promise<void> {
    const { current } = field
    if (current === null) return
    const next = await keepGateToken(vault, { accessToken: current.value.trim(), now: Date.now() })
    if (next === 'kept') current.value = ''
    setOutcome(next)
  }
  /** It stands inside of forms that are for something else. */
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter') return
    event.preventDefault()
    void use()
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
        <button type="button" onClick={() => void use()}>
          {g.useToken}
        </button>
      </details>
    </>
  )
}
