/** What keeps the vault from syncing until the person does something, over the notes, once; App info says it again. */
import { useEffect, useState } from 'react'
import { openGate } from '#account/gate'
import { forgetInvitation, useInvitation } from '#account/invitation'
import { t } from '#strings/strings'
import { useActivity } from '#ui/activity'
import { AccountDialog } from '#ui/dialogs'
import { createPart } from '#ui/part'
import { shownState, stoppedFor } from '#ui/state-line'
import { useStatus } from '#ui/status'

const PasswordAgain = createPart(async () => (await import('#ui/account/password-again')).PasswordAgain)

const ASKING = ['needs-password', 'needs-gate', 'problem'] as const

export function Banners() {
  const { value: status } = useStatus()
  const activity = useActivity()
  const [put, setPut] = useState<string>()
  const [info, setInfo] = useState(false)
  const invited = useInvitation() !== undefined
  useEffect(() => {
    if (invited) setInfo(true)
  }, [invited])
  const shown = status && shownState(status, activity)
  const state = ASKING.find((one) => one === shown)
  // What is over may come again, and is then told again.
  if (put !== undefined && put !== state) setPut(undefined)
  if (info) {
    const close = () => {
      setInfo(false)
      forgetInvitation()
    }
    return <AccountDialog onClose={close} />
  }
  if (status === undefined || state === undefined || put === state) return null
  const later = () => setPut(state)
  if (state === 'needs-password') {
    return (
      <section className="banner" aria-label={t.account.again.title}>
        <PasswordAgain props={{ profile: status.profile, heading: 'h2', onLater: later }} onMissing={later} />
      </section>
    )
  }
  const problem = status.problems.at(-1)
  const { title } = t.account[state === 'needs-gate' ? 'gate' : 'problem']
  return (
    <section className="banner" aria-label={title}>
      <h2>{title}</h2>
      <p>
        {state === 'needs-gate' ? t.account.gate.text : (stoppedFor(status, activity)?.text ?? (problem && t.said(problem.detail)))}
      </p>
      <div className="row">
        {state === 'needs-gate' ? (
          <button type="button" className="primary" onClick={openGate}>
            {t.account.trouble.passGate}
          </button>
        ) : (
          <button type="button" className="primary" onClick={() => setInfo(true)}>
            {t.account.problem.show}
          </button>
        )}
        <button type="button" onClick={later}>
          {t.account.again.later}
        </button>
      </div>
    </section>
  )
}
