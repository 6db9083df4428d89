/** A password, which can be looked at while it is typed. */
import { useId, useState } from 'react'
import { t } from '#strings/strings'

interface PasswordFieldProps {
  readonly name: string
  readonly label: string
  /** Of this vault, or a new one. */
  readonly autoComplete: 'current-password' | 'new-password'
  readonly autoFocus?: boolean
  /** What makes a good one, or which one it is. */
  readonly help?: string
}

export function PasswordField({ name, label, autoComplete, autoFocus = false, help }: PasswordFieldProps) {
  const id = useId()
  const [shown, setShown] = useState(false)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="with-button">
        <input
          id={id}
          name={name}
          type={shown ? 'text' : 'password'}
          required
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck={false}
          // biome-ignore lint/a11y/noAutofocus: it is all that the person was asked for
          autoFocus={autoFocus}
          aria-describedby={help === undefined ? undefined : `${id}-help`}
        />
        <button type="button" aria-pressed={shown} aria-controls={id} onClick={() => setShown(!shown)}>
          {shown ? t.account.hidePassword : t.account.showPassword}
        </button>
      </div>
      {help !== undefined && (
        <p id={`${id}-help`} className="help">
          {help}
        </p>
      )}
    </div>
  )
}
