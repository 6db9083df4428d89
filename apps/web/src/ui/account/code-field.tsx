/** A short code in place of a vault's name [SHR-2]. Using it uses it up, so it is sent when the person says so, not while they type. */
import { useState } from 'react'
import { t } from '#strings/strings'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useVault } from '#ui/vault'

interface CodeFieldProps {
  readonly server: string
  readonly onVault: (vault: string) => void
}

export function CodeField({ server, onVault }: CodeFieldProps) {
  const client = useVault()
  const [code, setCode] = useState('')
  const [taken, setTaken] = useState<string>()
  const { busy, trouble, attempt } = useAttempt({ server, vault: '' })
  const p = t.profiles

  function take(): void {
    void attempt(async () => {
      const { vault } = await client.takeCode({ server: server.trim(), code })
      setTaken(vault)
      setCode('')
      onVault(vault)
    })
  }
  return (
    <div className="field code-field">
      <div className="beside">
        <label>
          {p.code}
          <input
            value={code}
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            maxLength={16}
            aria-describedby="code-help"
            onChange={({ target }) => setCode(target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || code === '') return
              event.preventDefault()
              take()
            }}
          />
        </label>
        <button type="button" disabled={busy || code.trim() === ''} onClick={take}>
          {p.useCode}
        </button>
      </div>
      <p id="code-help" className="help" role="status">
        {taken === undefined ? p.codeHint : p.codeTaken(taken)}
      </p>
      <TroubleText trouble={trouble} />
    </div>
  )
}
