/** What another device, or a friend, needs to get to this vault: where it is, a short code [SHR-2], a QR code. Never the password. */
import { useEffect, useState } from 'react'
import { invitationLink } from '#account/invitation'
import { t } from '#strings/strings'
import { QrCode } from '#ui/account/qr-code'
import { TroubleText, useAttempt } from '#ui/account/use-attempt'
import { useVault } from '#ui/vault'

interface SharePanelProps {
  readonly server: string
  readonly vault: string
  readonly passphrase: string | undefined
}

export function SharePanel({ server, vault, passphrase }: SharePanelProps) {
  const [qr, setQr] = useState(false)
  const s = t.profiles.share
  return (
    <div className="share">
      <h3>{s.title}</h3>
      <p>
        {s.hint(server, vault)} {passphrase !== undefined && s.withPassphrase}
      </p>
      <ShortCode server={server} vault={vault} />
      <button type="button" aria-expanded={qr} onClick={() => setQr(!qr)}>
        {qr ? s.hideQr : s.qr}
      </button>
      {qr && (
        <figure className="qr-figure">
          <QrCode text={invitationLink(server, { vault, passphrase })} label={s.qrAlt} />
          <figcaption className="help">
            {s.qrHint} {passphrase !== undefined && s.qrSecret}
          </figcaption>
        </figure>
      )}
    </div>
  )
}

interface Made {
  readonly code: string
  /** Unix milliseconds, by this device's clock. */
  readonly until: number
}

function ShortCode({ server, vault }: Omit<SharePanelProps, 'passphrase'>) {
  const client = useVault()
  const [made, setMade] = useState<Made>()
  const [now, setNow] = useState(Date.now)
  const { busy, trouble, attempt } = useAttempt({ server, vault })
  const left = made === undefined ? 0 : Math.max(0, Math.ceil((made.until - now) / 1000))
  const s = t.profiles.share
  useEffect(() => {
    if (made === undefined) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [made])

  function make(): void {
    void attempt(async () => {
      const asked = Date.now()
      const { code, validFor } = await client.createCode()
      setMade({ code, until: asked + validFor })
      setNow(asked)
    })
  }
  return (
    <div className="short-code">
      <p id="short-code">{s.code}</p>
      {/* Its place is kept, so that nothing moves when it comes. */}
      <output aria-labelledby="short-code" className={left > 0 ? 'code' : 'code over'}>
        {made !== undefined && (
          <>
            <span aria-hidden="true">{made.code}</span>
            <span className="sr-only">{s.codeAlt(made.code)}</span>
          </>
        )}
      </output>
      <p className="help">{made !== undefined && (left > 0 ? s.left(left) : s.over)}</p>
      <button type="button" disabled={busy} onClick={make}>
        {made === undefined ? s.newCode : s.anotherCode}
      </button>
      <TroubleText trouble={trouble} />
    </div>
  )
}
