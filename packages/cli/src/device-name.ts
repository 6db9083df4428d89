import { hostname } from 'node:os'
import type { LockstepDevice } from '#context'

/** What a device that signs in is called: one that comes back keeps the name that it was given. */
export function deviceNameOf({ profile }: LockstepDevice, given: string | undefined): string {
  return given ?? profile.deviceName ?? (hostname() || 'this device')
}
