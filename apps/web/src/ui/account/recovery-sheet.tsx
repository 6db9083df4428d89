/** The recovery sheet: to be written down, printed or saved; and once, the proof that it was. */
import { type FormEvent, useId, useLayoutEffect, useRef, useState } from 'react'
import { invitationLink } from '#account/invitation'
import { pickWords, type Recovery, recoveryFile, recoveryText, sheetWords, wrongWords } from '#account/recovery'
import { setRecoveryUnproven } from '#local/recovery-proof'
import { t } from '#strings/strings'
import { QrCode } from '#ui/account/qr-code'
import { useToast } from '#ui/toasts'

interface RecoverySheetProps {
  readonly recovery: Recovery
  /** The words are asked for before this is over. */
  readonly prove: boolean
  readonly onDone: () => void
}

function download(recovery: Recovery): void {
  const url = URL.createObjectURL(new Blob([recoveryText(recovery)], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = recoveryFile(recovery.vault)
  link.click()
  URL.revokeObjectURL(url)
}

export function RecoverySheet({ recovery, prove, onDone }: RecoverySheetProps) {
  const [proving, setProving] = useState(false)
  const [qr, setQr] = useState(false)
  const top = useRef<HTMLDivElement>(null)
  // What was here before may have been scrolled.
  useLayoutEffect(() => {
    top.current?.scrollIntoView({ block: 'start' })
  }, [])
  const r = t.account.recovery
  if (proving) return <Proof passphrase={recovery.passphrase} onBack={() => setProving(false)} onDone={onDone} />
  return (
    <div className="recovery" ref={top}>
      <section className="sheet passphrase">
        <h3>{r.title}</h3>
        <p>{r.intro}</p>
        <ol>
          {sheetWords(recovery.passphrase).map((word, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a word may come twice
            <li key={i}>{word}</li>
          ))}
        </ol>
        {qr && (
          <figure className="qr-figure">
            <QrCode text={invitationLink(recovery.server, recovery)} label={r.qrAlt} />
            <figcaption className="help">{r.qrHint}</figcaption>
          </figure>
        )}
        <dl>
          <dt>{t.account.server}</dt>
          <dd>{recovery.server}</dd>
          <dt>{t.account.vault}</dt>
          <dd>{recovery.vault}</dd>
        </dl>
        <h4>{r.howTo}</h4>
        <ol className="steps">
          {r.steps(recovery.server).map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <p>{r.warning}</p>
      </section>
      <div className="row">
        <button type="button" onClick={() => print()}>
          {r.print}
        </button>
        <button type="button" onClick={() => download(recovery)}>
          {r.saveFile}
        </button>
        <button type="button" aria-expanded={qr} onClick={() => setQr(!qr)}>
          {qr ? r.hideQr : r.qr}
        </button>
      </div>
      <button type="button" className="primary" onClick={prove ? () => setProving(true) : onDone}>
        {prove ? r.kept : r.done}
      </button>
    </div>
  )
}

interface ProofProps {
  readonly passphrase: string
  readonly onBack: () => void
  readonly onDone: () => void
}

function Proof({ passphrase, onBack, onDone }: ProofProps) {
  const toast = useToast()
  const id = useId()
  const [positions] = useState(() => pickWords(sheetWords(passphrase).length, Math.random))
  const [wrong, setWrong] = useState<readonly number[]>([])
  const r = t.account.recovery

  function check(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const found = wrongWords(passphrase, new Map(positions.map((position) => [position, String(form.get(`${position}`) ?? '')])))
    setWrong(found)
    if (found.length > 0) return
    setRecoveryUnproven(false)
    toast({ text: r.proven })
    onDone()
  }
  return (
    <form className="proof" onSubmit={check}>
      <h3>{r.proofTitle}</h3>
      <p>{r.proof}</p>
      {positions.map((position, i) => (
        <label key={position}>
          {r.word(position + 1)}
          <input
            name={`${position}`}
            required
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-invalid={wrong.includes(position)}
            aria-describedby={id}
            // biome-ignore lint/a11y/noAutofocus: it is what the person was asked for
            autoFocus={i === 0}
          />
        </label>
      ))}
      <p className="error" role="alert" id={id}>
        {wrong[0] !== undefined && r.wrongWord(wrong[0] + 1)}
      </p>
      <div className="row">
        <button type="submit" className="primary">
          {r.check}
        </button>
        <button type="button" onClick={onBack}>
          {r.back}
        </button>
      </div>
      <div className="skip">
        <p className="hint">{r.skipHint}</p>
        <button type="button" className="link" onClick={onDone}>
          {r.skip}
        </button>
      </div>
    </form>
  )
}
