/** A tab's link by the browser's own means: Web Locks, a broadcast channel, a dedicated worker. */
import { type HostWorker, Link, type TabChannel } from '#link/link'
import type { HostMessage, TabMessage } from '#link/messages'

function openChannel(name: string): TabChannel {
  const channel = new BroadcastChannel(name)
  return {
    post: (message) => channel.postMessage(message),
    onMessage: (listener) => channel.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => listener(data)),
    close: () => channel.close(),
  }
}

/** Resolves when the lock is held; it is until the signal fires, or the page is gone. */
function holdLock(name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const held = () =>
      new Promise<void>((release) => {
        signal.addEventListener('abort', () => release())
        resolve()
      })
    navigator.locks.request(name, { signal }, held).catch(reject)
  })
}

function hostOf(worker: Worker): HostWorker {
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => listener(data)),
    terminate: () => worker.terminate(),
  }
}

export interface BrowserLinkOptions {
  /** Of the vault's device in this browser. */
  readonly name: string
  readonly build: string
  readonly startWorker: () => Worker
  readonly onNotice: (event: unknown) => void
  readonly onLead?: () => void
  readonly onElder?: () => void
}

export function openLink({ name, build, startWorker, onNotice, onLead, onElder }: BrowserLinkOptions): Link {
  return new Link({
    build,
    tab: crypto.randomUUID(),
    channel: openChannel(`lockstep/${name}`),
    lead: (signal) => holdLock(`lockstep/${name}/lead`, signal),
    startHost: () => hostOf(startWorker()),
    onNotice,
    ...(onLead && { onLead }),
    ...(onElder && { onElder }),
  })
}
