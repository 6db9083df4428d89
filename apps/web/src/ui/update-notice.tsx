/** Says that the app is to be loaded anew: a new version is there, or a part of this one is not. It waits for the person, and can be put off. */
import { useState, useSyncExternalStore } from 'react'
import { t } from '#strings/strings'
import { updates } from '#updates/updates'

export function UpdateNotice() {
  const news = useSyncExternalStore(updates.subscribe, updates.news)
  const [refused, setRefused] = useState(false)
  const reload = async () => setRefused(!(await updates.take()))
  return (
    <div className="update-place" role="status">
      {news !== undefined && (
        <div className="update">
          <span>{refused ? t.updates.notStored : t.updates[news]}</span>
          <button type="button" className="primary" onClick={() => void reload()}>
            {t.updates.reload}
          </button>
          <button type="button" onClick={() => updates.later()}>
            {t.updates.later}
          </button>
        </div>
      )}
    </div>
  )
}
