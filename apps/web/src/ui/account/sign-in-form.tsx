/** Signing in: which server, which vault, and whether this is its first device. */
import { MAX_NAME_LENGTH } from '@lockstep/protocol/limits'
import { type FormEvent, useEffect, useState } from 'react'
import { deviceNameOf } from '#account/device-name'
import { explain } from '#account/explain'
import type { Invitation } from '#account/invitation'
import { newPassphrase } from '#account/new-passphrase'
import type { Recovery } from '#account/recovery'
import { makeSheet } from '#local/recovery-proof'
import { t } from '#strings/strings'
import { CodeField } from '#ui/account/code-field'
import { PassphraseField, passphraseIn } from '#ui/account/passphrase-field'
import { PasswordField } from '#ui/account/password-field'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useVault } from '#ui/vault'

/** What the server takes, as typed: what is around it is cut off. */
const VAULT_NAME = '\\s*[A-Za-z0-9][A-Za-z0-9._\\-]*\\s*'

const KINDS = ['made', 'own', 'none'] as const
type Kind = (typeof KINDS)[number]

interface Known {
  readonly text: string
  readonly setupTokenRequired: boolean
  readonly takesVaults: boolean
}

const UNKNOWN: Known = { text: t.account.asking, setupTokenRequired: false, takesVaults: true }

/** What the server says of itself, and whether it can be reached at all, before anybody has typed a password. */
function useServer(server: string): Known {
  const vault = useVault()
  const [known, setKnown] = useState(UNKNOWN)
  useEffect(() => {
    let isCurrent = true
    setKnown(UNKNOWN)
    const context = { server, origin: location.origin, vault: '' }
    vault.serverInfo(server).then(
      ({ version, setupTokenRequired, signUp }) => {
        const text = t.account.serverIs(version)
        if (isCurrent) setKnown({ text, setupTokenRequired, takesVaults: signUp !== 'closed' })
      },
      (error: unknown) => {
        if (isCurrent) setKnown({ ...UNKNOWN, text: explain(error, context).text })
      },
    )
    return () => {
      isCurrent = false
    }
  }, [vault, server])
  return known
}

interface SignInFormProps {
  /** Where this browser was signed in last. */
  readonly last: { readonly server?: string; readonly vault?: string; readonly deviceName?: string }
  /** From a link that a device of the vault has shown. */
  readonly invitation: Invitation | undefined
  /** With the sheet of a vault that has just been made. */
  readonly onSignedIn: (made: Recovery | undefined) => void
}

export function SignInForm({ last, invitation, onSignedIn }: SignInFormProps) {
  const client = useVault()
  const [server, setServer] = useState(invitation === undefined ? (last.server ?? location.origin) : location.origin)
  const [vault, setVault] = useState(invitation?.vault ?? last.vault ?? 'main')
  const [asked, setAsked] = useState(server)
  const known = useServer(asked)
  const [chosen, setIntent] = useState<'create' | 'join'>()
  const joins = invitation !== undefined || last.vault !== undefined || !known.takesVaults
  const intent = chosen ?? (joins ? 'join' : 'create')
  const [kind, setKind] = useState<Kind>('made')
  const [without, setWithout] = useState(invitation?.vault !== undefined && invitation.passphrase === undefined)
  const { setupTokenRequired } = known
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const a = t.account

  async function signIn(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '')
    const isMade = intent === 'create' && kind === 'made'
    const passwordOnly = intent === 'create' ? kind === 'none' : without
    const typed = passphraseIn(form, 'passphrase')
    const passphrase = passwordOnly ? undefined : isMade ? newPassphrase() : typed
    const setupToken = text('setupToken').trim()
    let done: Recovery | undefined
    const makes = intent === 'create' && passphrase !== undefined
    const signingIn = () =>
      attempt(async () => {
        await client.signIn({
          server: server.trim(),
          vault: vault.trim(),
          password: text('password'),
          deviceName: text('deviceName').trim(),
          intent,
          passwordOnly,
          ...(passphrase !== undefined && { passphrase }),
          ...(setupToken !== '' && { setupToken }),
        })
        if (makes) {
          // What holds is what the device has stored: an earlier try may have got through.
          const { profile } = await client.status()
          done = { server: profile.server ?? server, vault: profile.vault ?? vault, passphrase: profile.passphrase ?? passphrase }
        }
      })
    if (await (makes ? makeSheet(signingIn) : signingIn())) onSignedIn(done)
  }

  return (
    <form className="sign-in" onSubmit={(event) => void signIn(event)}>
      <p>{invitation?.vault === undefined ? a.intro : a.invited.intro}</p>
      <div className="field">
        <label>
          {a.server}
          <input
            name="server"
            type="text"
            inputMode="url"
            autoCapitalize="none"
            spellCheck={false}
            required
            value={server}
            aria-describedby="server-help"
            onChange={({ target }) => setServer(target.value)}
            onBlur={() => setAsked(server)}
          />
        </label>
        <p id="server-help" className="help">
          {known.text}
        </p>
      </div>
      <div className="row">
        <label>
          {a.vault}
          <input
            name="vault"
            required
            pattern={VAULT_NAME}
            maxLength={MAX_NAME_LENGTH}
            title={a.vaultRules}
            value={vault}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => setVault(target.value)}
          />
        </label>
        <label>
          {a.deviceName}
          <input name="deviceName" required maxLength={64} defaultValue={last.deviceName ?? deviceNameOf(navigator.userAgent)} />
        </label>
      </div>
      <PasswordField
        name="password"
        label={a.password}
        autoComplete={intent === 'create' ? 'new-password' : 'current-password'}
        autoFocus={invitation?.vault !== undefined}
        help={intent === 'create' ? a.newPasswordHint : a.passwordHint}
      />
      <fieldset className="choices" aria-label={a.which}>
        {(['create', 'join'] as const).map((choice) => (
          <label key={choice} className="choice">
            <input type="radio" name="intent" checked={intent === choice} onChange={() => setIntent(choice)} />
            <span>
              <strong>{choice === 'create' ? a.first : a.other}</strong>
              <small>{choice === 'create' ? a.firstHint : a.otherHint}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {intent === 'create' ? (
        <>
          {setupTokenRequired && (
            <div className="field">
              <label>
                {a.setupToken}
                <input name="setupToken" required autoComplete="off" autoCapitalize="none" spellCheck={false} />
              </label>
              <p className="help">{a.setupTokenHint}</p>
            </div>
          )}
          <div className="field">
            <label>
              {a.kind}
              <select value={kind} onChange={({ target }) => setKind(target.value as Kind)}>
                {KINDS.map((one) => (
                  <option key={one} value={one}>
                    {a.kinds[one]}
                  </option>
                ))}
              </select>
            </label>
            {kind !== 'own' && <p className="help">{a.kindHints[kind]}</p>}
          </div>
          {kind === 'own' && <PassphraseField name="passphrase" hint={a.kindHints.own} own />}
        </>
      ) : (
        <>
          {invitation?.vault === undefined && <CodeField server={server} onVault={setVault} />}
          {!without && <PassphraseField name="passphrase" hint={a.passphraseHint} given={invitation?.passphrase} />}
          <label className="choice">
            <input type="checkbox" checked={without} onChange={({ target }) => setWithout(target.checked)} />
            <span>{a.noPassphrase}</span>
          </label>
        </>
      )}
      <TroubleText trouble={trouble} />
      <button type="submit" className="primary" disabled={busy}>
        {busy ? a.signingIn : a.signIn}
      </button>
    </form>
  )
}
