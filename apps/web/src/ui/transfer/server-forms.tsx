/** What Dataans and diff·log keep on this page's own server, where it speaks to them: the page may speak to no other. */
import { type FormEvent, useState } from 'react'
import type { ImportRequest } from '#host/transfer-jobs'
import { w } from '#strings/transfer'
import { PasswordField } from '#ui/account/password-field'

const APPS = ['dataans', 'difflog'] as const
const LABELS = { dataans: w.dataans, difflog: w.difflogApp } as const

interface ServerFormsProps {
  readonly busy: boolean
  readonly onStart: (request: ImportRequest) => Promise<void>
}

export function ServerForms({ busy, onStart }: ServerFormsProps) {
  const [app, setApp] = useState<(typeof APPS)[number]>('dataans')
  const server = location.origin

  function start(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const field = (name: string) => String(fields.get(name) ?? '')
    const password = field('password')
    void onStart(
      app === 'dataans'
        ? { from: 'dataans', server, password, passphrase: field('passphrase').trim() }
        : { from: 'difflog', server, password, profile: field('profile').trim() },
    )
  }
  return (
    <details className="servers">
      <summary>{w.servers}</summary>
      <form onSubmit={start}>
        <p className="help">{w.serversHint(server)}</p>
        <fieldset className="choices" aria-label={w.servers}>
          {APPS.map((one) => (
            <label key={one} className="choice">
              <input type="radio" name="app" checked={app === one} onChange={() => setApp(one)} />
              <strong>{LABELS[one]}</strong>
            </label>
          ))}
        </fieldset>
        {app === 'difflog' && (
          <label>
            {w.profile}
            <input name="profile" required autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </label>
        )}
        <PasswordField name="password" label={w.password} autoComplete="current-password" />
        {app === 'dataans' && <PasswordField name="passphrase" label={w.passphrase} autoComplete="current-password" />}
        <button type="submit" disabled={busy}>
          {w.fetch}
        </button>
      </form>
    </details>
  )
}
