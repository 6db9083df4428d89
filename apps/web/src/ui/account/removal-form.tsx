/** Taking the vault off its server; everything stays on the devices that have it. */
import type { FormEvent } from 'react'
import { t } from '#strings/strings'
import { PasswordField } from '#ui/account/password-field'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

interface RemovalFormProps {
  readonly server: string
  readonly vault: string
  readonly onDone: () => void
}

export function RemovalForm({ server, vault, onDone }: RemovalFormProps) {
  const client = useVault()
  const toast = useToast()
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const r = t.profiles.remove

  async function remove(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password') ?? '')
    await attempt(async () => {
      await client.removeFromServer({ password })
      toast({ text: r.done })
      onDone()
    })
  }
  return (
    <form className="removal" onSubmit={(event) => void remove(event)}>
      <h3>{r.title}</h3>
      <p>{r.hint(server)}</p>
      <PasswordField name="password" label={t.account.password} autoComplete="current-password" autoFocus />
      <TroubleText trouble={trouble?.remedy === 'passphrase' ? { text: t.account.change.wrong } : trouble} />
      <button type="submit" className="danger" disabled={busy}>
        {busy ? t.account.signingIn : r.submit}
      </button>
    </form>
  )
}
