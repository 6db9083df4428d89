/** Says that a new version is there. It waits for the person, and can be put off until the app is opened again. */
import { useState, useSyncExternalStore } from 'react'
import { t } from '#strings/strings'
import { updates } from '#updates/updates'

export function UpdateNotice() {
  const ready = useSyncExternalStore(updates.subscribe, updates.isReady)
  const [later, setLater] = useState(false)
  const [refused, setRefused] = useState(false)
  const reload = async () => setRefused(!(await updates.take()))
  return (
    <div className="update-place" role="status">
      {ready && !later && (
        <div className="update">
          <span>{refused ? t.updates.notStored : t.updates.ready}</span>
          <button type="button" className="primary" onClick={() => void reload()}>
            {t.updates.reload}
          </button>
          <button type="button" onClick={() => setLater(true)}>
            {t.updates.later}
          </button>
        </div>
      )}
    </div>
  )
}
