/**
 * Signing out, and removing what this browser has of a profile, also where nobody is signed in. What is removed cannot come back from
 * here: the one place that asks first.
 */
import { type FormEvent, useState } from 'react'
import { t } from '#strings/strings'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

interface SignOutFormProps {
  readonly server: string
  readonly vault: string
  /** Changes that the server does not have. */
  readonly pending: number
  /** The passphrase may be on this device alone: shows it. */
  readonly onSheet: (() => void) | undefined
  readonly onDone: () => void
}

export function SignOutForm({ server, vault, pending, onSheet, onDone }: SignOutFormProps) {
  const client = useVault()
  const toast = useToast()
  const [wipes, setWipes] = useState(false)
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const o = t.account.out

  async function signOut(event: FormEvent): Promise<void> {
    event.preventDefault()
    await attempt(async () => {
      // All tabs begin anew after that.
      if (wipes) return client.wipe()
      const { serverTold } = await client.signOut()
      toast({ text: serverTold ? t.account.signedOut : t.account.signedOutUntold })
      onDone()
    })
  }
  return (
    <form className="sign-out" onSubmit={(event) => void signOut(event)}>
      <h3>{o.title}</h3>
      {onSheet && (
        <div className="problem">
          <p>{o.unproven}</p>
          <button type="button" className="link" onClick={onSheet}>
            {t.account.recovery.showAgain}
          </button>
        </div>
      )}
      <fieldset className="choices column" aria-label={o.title}>
        {[false, true].map((wipe) => (
          <label key={String(wipe)} className="choice">
            <input type="radio" name="wipe" checked={wipes === wipe} onChange={() => setWipes(wipe)} />
            <span>
              <strong>{wipe ? o.wipe : o.keep}</strong>
              <small>{wipe ? o.wipeHint : o.keepHint}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <p className="error" role="alert">
        {wipes && pending > 0 && o.unsent(pending)}
      </p>
      <TroubleText trouble={trouble} />
      <button type="submit" className={wipes ? 'danger' : 'primary'} disabled={busy}>
        {wipes ? o.submitWipe : o.submitKeep}
      </button>
    </form>
  )
}

/** Where nobody is signed in. */
export function RemoveProfileForm({ pending }: Pick<SignOutFormProps, 'pending'>) {
  const client = useVault()
  const { busy, trouble, attempt } = useAttempt({ server: '', vault: '' })
  const o = t.account.out

  function remove(event: FormEvent): void {
    event.preventDefault()
    // All tabs begin anew after that.
    void attempt(() => client.wipe())
  }
  return (
    <form className="sign-out" onSubmit={remove}>
      <h3>{o.removeTitle}</h3>
      <p>{o.removeHint}</p>
      <p className="error" role="alert">
        {pending > 0 && o.unsent(pending)}
      </p>
      <TroubleText trouble={trouble} />
      <button type="submit" className="danger" disabled={busy}>
        {o.submitRemove}
      </button>
    </form>
  )
}
