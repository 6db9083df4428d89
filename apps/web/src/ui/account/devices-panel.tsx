/** The vault's devices, and how to end one. */
import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { newPassphrase } from '#account/new-passphrase'
import type { HostClient } from '#host/methods'
import { makeSheet } from '#local/recovery-proof'
import { t } from '#strings/strings'
import { shortTime } from '#text/when'
import { PasswordField } from '#ui/account/password-field'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useToast } from '#ui/toasts'
import { useVault } from '#ui/vault'

type Listed = Awaited<ReturnType<HostClient['devices']>>[number]

interface DevicesPanelProps {
  readonly server: string
  readonly vault: string
  readonly hasPassphrase: boolean
  /** The vault has another passphrase now. */
  readonly onNewPassphrase: () => void
}

export function DevicesPanel({ server, vault, hasPassphrase, onNewPassphrase }: DevicesPanelProps) {
  const client = useVault()
  const [devices, setDevices] = useState<readonly Listed[]>()
  const [chosen, setChosen] = useState<Listed>()
  const { trouble, attempt } = useAttempt({ server, vault })
  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt is made anew with each rendering
  const load = useCallback(() => attempt(async () => setDevices(order(await client.devices()))), [client])
  useEffect(() => {
    void load()
  }, [load])
  const d = t.account.devices

  if (chosen !== undefined) {
    return (
      <RevokeForm
        device={chosen}
        server={server}
        vault={vault}
        hasPassphrase={hasPassphrase}
        onDone={(renewed) => {
          setChosen(undefined)
          void load()
          if (renewed) onNewPassphrase()
        }}
        onBack={() => setChosen(undefined)}
      />
    )
  }
  return (
    <div className="devices" aria-busy={devices === undefined && trouble === undefined}>
      <h3>{d.title}</h3>
      <ul className="entries">
        {devices?.map((device) => (
          <li key={device.id}>
            <span>
              <strong>{device.name}</strong>
              <small>
                {device.current ? d.current : device.revoked ? d.revoked : d.lastSeen(shortTime(device.lastSeenAt, Date.now()))}
              </small>
            </span>
            {!device.current && !device.revoked && (
              <button type="button" aria-label={d.revokeOf(device.name)} onClick={() => setChosen(device)}>
                {d.revoke}
              </button>
            )}
          </li>
        ))}
      </ul>
      <TroubleText trouble={trouble} />
    </div>
  )
}

/** This one, then those that were seen last; revoked ones at the end. */
function order(devices: readonly Listed[]): readonly Listed[] {
  const rank = ({ current, revoked }: Listed) => (current ? 0 : revoked ? 2 : 1)
  return [...devices].sort((a, b) => rank(a) - rank(b) || b.lastSeenAt - a.lastSeenAt)
}

interface RevokeFormProps {
  readonly device: Listed
  readonly server: string
  readonly vault: string
  readonly hasPassphrase: boolean
  /** @param renewed whether there is a new passphrase */
  readonly onDone: (renewed: boolean) => void
  readonly onBack: () => void
}

function RevokeForm({ device, server, vault, hasPassphrase, onDone, onBack }: RevokeFormProps) {
  const client = useVault()
  const toast = useToast()
  const [keeps, setKeeps] = useState(false)
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const d = t.account.devices

  async function revoke(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const renews = hasPassphrase && !keeps
    let before = false
    const revoking = () =>
      attempt(async () => {
        const { revokedBefore } = await client.revokeDevice({
          id: device.id,
          currentPassword: String(form.get('currentPassword') ?? ''),
          ...(!keeps && { newPassword: String(form.get('newPassword') ?? '') }),
          ...(renews && { newPassphrase: newPassphrase() }),
        })
        before = revokedBefore
      })
    if (!(await (renews ? makeSheet(revoking) : revoking()))) return
    toast({ text: before ? d.before(device.name) : d.done(device.name) })
    onDone(renews)
  }
  return (
    <form className="revoke" onSubmit={(event) => void revoke(event)}>
      <h3>{d.revokeOf(device.name)}</h3>
      <p>{hasPassphrase ? d.hint : d.hintNoPassphrase}</p>
      <PasswordField name="currentPassword" label={d.currentPassword} autoComplete="current-password" autoFocus />
      {!keeps && (
        <PasswordField name="newPassword" label={d.newPassword} autoComplete="new-password" help={t.account.newPasswordHint} />
      )}
      <label className="choice">
        <input type="checkbox" checked={keeps} onChange={({ target }) => setKeeps(target.checked)} />
        <span>{d.keepCredentials}</span>
      </label>
      <TroubleText trouble={trouble} />
      <div className="row">
        <button type="submit" className="primary" disabled={busy}>
          {busy ? t.account.signingIn : d.submit}
        </button>
        <button type="button" onClick={onBack}>
          {t.cancel}
        </button>
      </div>
    </form>
  )
}
