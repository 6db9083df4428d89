/** Composes the app: the link to the vault, what the interface knows of it, the interface. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import type { HostEvent } from '#host/serve'
import { openLink } from '#link/browser-link'
import { readMode } from '#local/sync-mode'
import { App } from '#ui/app'
import { ACCOUNT } from '#ui/status'
import { Toasts } from '#ui/toasts'
import { VaultProvider } from '#ui/vault'
import { createClient } from '#vault/client'
import { LiveAnswers } from '#vault/live'
import './styles/app.css'

const DEVICE = 'main'
const live = new LiveAnswers()
const link = openLink({
  name: DEVICE,
  startWorker: () => new Worker(new URL('./host/worker.ts', import.meta.url), { type: 'module', name: DEVICE }),
  onNotice(event) {
    const notice = event as HostEvent
    live.changed(notice.type === 'changed' ? notice.tables : [ACCOUNT])
  },
  // The tab that leads keeps the vault in step for all.
  onLead: () => void client.watch(readMode()),
})
const client = createClient(link)
addEventListener('focus', () => void client.focused())

createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <VaultProvider client={client} live={live}>
      <Toasts>
        <App />
      </Toasts>
    </VaultProvider>
  </StrictMode>,
)
