/** App info: where the vault is, signing in, syncing, the passphrase, signing out. */
import { type FormEvent, useId, useState } from 'react'
import type { HostClient } from '#host/methods'
import { readMode, type SyncMode, writeMode } from '#local/sync-mode'
import { t } from '#strings/strings'
import { Dialog } from '#ui/dialog'
import { Icon } from '#ui/icons'
import { useStatus } from '#ui/status'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

type SignedIn = Awaited<ReturnType<HostClient['signIn']>>

const text = (form: FormData, name: string): string => String(form.get(name) ?? '')

function SignInForm({ onSignedIn }: { readonly onSignedIn: (result: SignedIn) => void }) {
  const vault = useVault()
  const [intent, setIntent] = useState<'create' | 'join'>('create')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string>()
  const errorId = useId()

  async function signIn(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    setBusy(true)
    setError(undefined)
    try {
      const passphrase = text(form, 'passphrase').trim()
      const setupToken = text(form, 'setupToken').trim()
      const result = await vault.signIn({
        server: text(form, 'server').trim(),
        vault: text(form, 'vault').trim(),
        password: text(form, 'password'),
        deviceName: text(form, 'deviceName').trim(),
        intent,
        passwordOnly: false,
        ...(intent === 'join' && { passphrase }),
        ...(setupToken !== '' && { setupToken }),
      })
      onSignedIn(result)
    } catch (failure) {
      setError((failure as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const a = t.account
  return (
    <form className="sign-in" onSubmit={(event) => void signIn(event)} aria-describedby={errorId}>
      <p>{a.intro}</p>
      <label>
        {a.server}
        <input name="server" type="url" required defaultValue={location.origin} />
      </label>
      <div className="row">
        <label>
          {a.vault}
          <input name="vault" required defaultValue="main" autoComplete="username" />
        </label>
        <label>
          {a.deviceName}
          <input name="deviceName" required defaultValue={navigator.platform || 'Browser'} />
        </label>
      </div>
      <label>
        {a.password}
        <input name="password" type="password" required autoComplete={intent === 'create' ? 'new-password' : 'current-password'} />
      </label>
      <fieldset>
        {(['create', 'join'] as const).map((choice) => (
          <label key={choice} className="choice">
            <input type="radio" name="intent" checked={intent === choice} onChange={() => setIntent(choice)} />
            <span>
              <strong>{choice === 'create' ? a.first : a.other}</strong> {choice === 'create' ? a.firstHint : a.otherHint}
            </span>
          </label>
        ))}
      </fieldset>
      {intent === 'join' ? (
        <label>
          {a.passphrase}
          <input name="passphrase" required autoComplete="off" spellCheck={false} placeholder={a.passphraseHint} />
        </label>
      ) : (
        <label>
          {a.setupToken}
          <input name="setupToken" autoComplete="off" spellCheck={false} />
        </label>
      )}
      <p className="error" role="alert" id={errorId}>
        {error}
      </p>
      <button type="submit" className="primary" disabled={busy}>
        {busy ? a.signingIn : a.signIn}
      </button>
    </form>
  )
}

function KeepPassphrase({ passphrase, onKept }: { readonly passphrase: string; readonly onKept: () => void }) {
  return (
    <div className="passphrase">
      <p>{t.account.keepPassphrase}</p>
      <ol>
        {passphrase.split(/[\s-]+/).map((word, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word may come twice
          <li key={i}>{word}</li>
        ))}
      </ol>
      <button type="button" className="primary" onClick={onKept}>
        {t.account.kept}
      </button>
    </div>
  )
}

function SignedInPanel() {
  const vault = useVault()
  const toast = useToast()
  const { value: status } = useStatus()
  const [busy, setBusy] = useState(false)
  const [shown, setShown] = useState(false)
  const [mode, setMode] = useState<SyncMode>(readMode)
  const a = t.account

  async function attempt(work: () => Promise<string>): Promise<void> {
    setBusy(true)
    try {
      toast({ text: await work() })
    } catch (failure) {
      toast({ text: (failure as Error).message })
    } finally {
      setBusy(false)
    }
  }
  const { passphrase, vault: name = '', server = '' } = status?.profile ?? {}
  return (
    <div className="signed-in">
      <p>{a.signedInAs(name, server)}</p>
      {status?.problems.map(({ code, subject, detail }) => (
        <p className="error" key={`${code} ${subject}`}>
          {detail}
        </p>
      ))}
      <button
        type="button"
        className="primary"
        disabled={busy}
        onClick={() =>
          void attempt(async () => {
            const { uploaded, downloaded } = await vault.sync()
            return a.synced(uploaded.segments, downloaded.segments)
          })
        }
      >
        <Icon name="sync" /> {busy ? t.state.syncing : a.sync}
      </button>
      <label>
        {a.mode}
        <select
          value={mode}
          onChange={({ target }) => {
            const next = target.value as SyncMode
            setMode(next)
            writeMode(next)
            void attempt(async () => {
              await vault.watch(next)
              return a.modes[next]
            })
          }}
        >
          {(['manual', 'auto', 'live'] as const).map((choice) => (
            <option key={choice} value={choice}>
              {a.modes[choice]}
            </option>
          ))}
        </select>
      </label>
      <div className="row">
        {passphrase !== undefined && (
          <button type="button" aria-expanded={shown} onClick={() => setShown(!shown)}>
            {shown ? a.hidePassphrase : a.showPassphrase}
          </button>
        )}
        <button
          type="button"
          onClick={() =>
            void attempt(async () => {
              await vault.signOut()
              return a.signedOut
            })
          }
        >
          {a.signOut}
        </button>
      </div>
      {shown && <p className="secret">{passphrase}</p>}
    </div>
  )
}

export function AccountDialog({ onClose }: { readonly onClose: () => void }) {
  const vault = useVault()
  const { value: status } = useStatus()
  const [fresh, setFresh] = useState<string>()

  async function begin({ passphrase }: SignedIn): Promise<void> {
    setFresh(passphrase)
    await vault.watch(readMode())
    if (readMode() === 'manual') await vault.sync()
  }
  return (
    <Dialog title={t.appInfo} onClose={onClose}>
      {fresh !== undefined ? (
        <KeepPassphrase passphrase={fresh} onKept={() => setFresh(undefined)} />
      ) : status?.profile.signedIn === true ? (
        <SignedInPanel />
      ) : (
        <SignInForm onSignedIn={(result) => void begin(result)} />
      )}
    </Dialog>
  )
}
