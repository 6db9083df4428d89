/** The session has ended, as it does when the password is changed elsewhere: the password is asked for once, and everything goes on. */
import { type FormEvent, useState } from 'react'
import { t } from '#strings/strings'
import { PassphraseField, passphraseIn } from '#ui/account/passphrase-field'
import { PasswordField } from '#ui/account/password-field'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

interface PasswordAgainProps {
  readonly profile: { readonly server?: string; readonly vault?: string; readonly deviceName?: string }
  /** Of its title: what it stands in decides. */
  readonly heading: 'h2' | 'h3'
  readonly onLater?: () => void
}

export function PasswordAgain({ profile, heading: Heading, onLater }: PasswordAgainProps) {
  const client = useVault()
  const toast = useToast()
  const { server = location.origin, vault = '', deviceName = t.account.browser } = profile
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const [asksPassphrase, setAsksPassphrase] = useState(false)
  const a = t.account.again

  async function signIn(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const typed = asksPassphrase ? passphraseIn(form, 'passphrase') : undefined
    const worked = await attempt(() =>
      client.signIn({
        server,
        vault,
        deviceName,
        password: String(form.get('password') ?? ''),
        intent: 'join',
        passwordOnly: false,
        ...(typed !== undefined && { passphrase: typed }),
      }),
    )
    if (worked) toast({ text: a.done })
  }
  return (
    <form className="again" onSubmit={(event) => void signIn(event)}>
      <Heading>{a.title}</Heading>
      <p>{a.text}</p>
      <PasswordField name="password" label={t.account.password} autoComplete="current-password" />
      {trouble?.remedy === 'passphrase' || asksPassphrase ? (
        <label className="choice">
          <input type="checkbox" checked={asksPassphrase} onChange={({ target }) => setAsksPassphrase(target.checked)} />
          <span>{a.passphraseToo}</span>
        </label>
      ) : null}
      {asksPassphrase && <PassphraseField name="passphrase" hint={t.account.passphraseHint} />}
      <TroubleText trouble={trouble} />
      <div className="row">
        <button type="submit" className="primary" disabled={busy}>
          {busy ? t.account.signingIn : a.submit}
        </button>
        {onLater && (
          <button type="button" onClick={onLater}>
            {a.later}
          </button>
        )}
      </div>
    </form>
  )
}
