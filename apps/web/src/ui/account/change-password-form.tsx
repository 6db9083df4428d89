/** Another password; and another passphrase, where somebody may know it. */
import { type FormEvent, useState } from 'react'
import { newPassphrase } from '#account/new-passphrase'
import { makeSheet } from '#local/recovery-proof'
import { t } from '#strings/strings'
import { PasswordField } from '#ui/account/password-field'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

interface ChangePasswordFormProps {
  readonly server: string
  readonly vault: string
  readonly hasPassphrase: boolean
  /** @param renewed whether there is a new passphrase */
  readonly onDone: (renewed: boolean) => void
}

export function ChangePasswordForm({ server, vault, hasPassphrase, onDone }: ChangePasswordFormProps) {
  const client = useVault()
  const toast = useToast()
  const [renews, setRenews] = useState(false)
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const c = t.account.change

  async function change(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    let wasRepaired = false
    const changing = () =>
      attempt(async () => {
        const { repaired } = await client.changePassword({
          currentPassword: String(form.get('currentPassword') ?? ''),
          newPassword: String(form.get('newPassword') ?? ''),
          ...(renews && { newPassphrase: newPassphrase() }),
        })
        wasRepaired = repaired
      })
    if (!(await (renews ? makeSheet(changing) : changing()))) return
    toast({ text: wasRepaired ? c.repaired : c.done })
    onDone(renews)
  }
  return (
    <form className="change" onSubmit={(event) => void change(event)}>
      <h3>{c.title}</h3>
      <p>{c.hint}</p>
      <PasswordField name="currentPassword" label={t.account.devices.currentPassword} autoComplete="current-password" autoFocus />
      <PasswordField
        name="newPassword"
        label={t.account.devices.newPassword}
        autoComplete="new-password"
        help={t.account.newPasswordHint}
      />
      {hasPassphrase && (
        <label className="choice">
          <input type="checkbox" checked={renews} onChange={({ target }) => setRenews(target.checked)} />
          <span>{c.newPassphrase}</span>
        </label>
      )}
      <TroubleText trouble={trouble?.remedy === 'passphrase' ? { text: c.wrong } : trouble} />
      <button type="submit" className="primary" disabled={busy}>
        {busy ? t.account.signingIn : c.submit}
      </button>
    </form>
  )
}
