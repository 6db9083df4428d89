/** A device in a browser: what is in its home (`home.ts`), and a browser's own means for everything else. */
import { sha256 } from '@noble/hashes/sha2.js'
import { Device } from '#device'
import { browserCompression } from '#platform/browser/compression'
import { type BrowserHome, type BrowserHomeOptions, openBrowserHome } from '#platform/browser/home'
import { browserHttp } from '#platform/browser/http'
import { connectSocket } from '#platform/browser/socket'
import { timers } from '#platform/timers'
import type { Table } from '#schema'

/** Where it fails the home stays open. @throws EngineError */
export function deviceIn<T extends Record<string, Table>>({ vault, files, ...parts }: BrowserHome<T>): Promise<Device<T>> {
  const platform = {
    ...parts,
    timers,
    compression: browserCompression,
    sha256,
    http: browserHttp,
    connect: connectSocket,
    close: () => files.close(),
    wipe: () => files.wipe(),
  }
  return Device.of(platform, vault)
}

/** @throws DriverError `busy` when another worker has the device, `io` where this browser cannot store; EngineError */
export async function openBrowserDevice<T extends Record<string, Table>>(options: BrowserHomeOptions<T>): Promise<Device<T>> {
  const home = await openBrowserHome(options)
  try {
    return await deviceIn(home)
  } catch (error) {
    await home.vault.close()
    home.files.close()
    throw error
  }
}
