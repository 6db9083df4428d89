/** Composes the app: the link to the vault, what the interface knows of it, the interface. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { forgetGateToken, leaveGate } from '#account/gate'
import { takeInvitations } from '#account/invitation'
import type { HostClient } from '#host/methods'
import type { HostEvent } from '#host/serve'
import { IN_MEMORY, type Storage } from '#host/storage'
import { openLink } from '#link/browser-link'
import { kept } from '#local/kept'
import { language } from '#local/language'
import { forgetProfile, shownProfile } from '#local/profiles'
import { readMode } from '#local/sync-mode'
import { ACTIVITY } from '#ui/activity'
import { App } from '#ui/app'
import { Banners } from '#ui/banners'
import { InsecurePage } from '#ui/insecure-page'
import { prefetchParts } from '#ui/part'
import { ACCOUNT } from '#ui/status'
import { StorageProvider } from '#ui/storage'
import { Toasts } from '#ui/toasts'
import { UpdateNotice } from '#ui/update-notice'
import { VaultProvider } from '#ui/vault'
import { updates } from '#updates/updates'
import { createClient } from '#vault/client'
import { LiveAnswers } from '#vault/live'
import './styles/app.css'
import './styles/account.css'
import './styles/commands.css'
import './styles/reading.css'
import './styles/storage.css'
import './styles/updates.css'

/** The name of this file has the hash of its content, which has those of all others. */
const BUILD = new URL(import.meta.url).pathname
const root = createRoot(document.getElementById('app') as HTMLElement)

function openVault(storage: Storage): { readonly client: HostClient; readonly live: LiveAnswers; close(): void } {
  const live = new LiveAnswers()
  const name = storage === 'browser' ? shownProfile : IN_MEMORY
  const link = openLink({
    // A vault in memory is one tab's own.
    name: storage === 'browser' ? shownProfile : `${IN_MEMORY}/${crypto.randomUUID()}`,
    build: BUILD,
    startWorker: () => new Worker(new URL('./host/worker.ts', import.meta.url), { type: 'module', name }),
    onNotice(event) {
      const notice = event as HostEvent
      switch (notice.type) {
        case 'changed':
          return live.changed(notice.tables)
        case 'account':
          return live.changed([ACCOUNT])
        case 'activity':
          return live.changed([ACTIVITY])
        case 'wiped':
          kept.clear()
          if (storage === 'browser') forgetProfile(shownProfile)
          forgetGateToken()
          return location.reload()
      }
    },
    // The tab that leads keeps the vault in step for all.
    onLead: () => void client.watch(readMode()).catch(() => {}),
    onElder: () => updates.elder(),
  })
  const client = createClient(link, () => updates.missing())
  const ended = new AbortController()
  addEventListener('focus', () => void client.focused().catch(() => {}), ended)
  addEventListener('online', () => void client.online().catch(() => {}), ended)
  return {
    client,
    live,
    close() {
      ended.abort()
      link.close()
    },
  }
}

function begin(storage: Storage): void {
  const { client, live, close } = openVault(storage)
  const onMemory = () => {
    close()
    begin('memory')
  }
  // Once the vault has answered: until then the page has better to do.
  client.activity().then(prefetchParts, () => {})
  root.render(
    <StrictMode>
      <StorageProvider key={storage} storage={storage} onMemory={onMemory}>
        <VaultProvider client={client} live={live}>
          <Toasts>
            <App />
            <Banners />
            <UpdateNotice />
          </Toasts>
        </VaultProvider>
      </StorageProvider>
    </StrictMode>,
  )
}

document.documentElement.lang = language
takeInvitations()
if (isSecureContext) {
  leaveGate()
  if (import.meta.env.PROD) void updates.start()
  begin('browser')
} else {
  root.render(<InsecurePage />)
}
