/** What the host does about the account beyond asking the device. */
import { EngineError } from '@lockstep/engine/errors'
import { expect, test } from 'vitest'
import { accountMethods } from '#host/account-methods'
import type { WebDevice, WebHome } from '#host/home'
import { Keeper } from '#host/keeper'

test('[VAULT-1] a removal that was refused leaves a vault that keeps in step by itself', async () => {
  let watching = false
  const device = {
    profile: { signedIn: true },
    status: () => ({ state: 'synced' }),
    watch() {
      watching = true
      return { stop: async () => {}, back: () => {}, reconnect: () => {} }
    },
    async removeFromServer() {
      // As a device does before it asks.
      watching = false
      throw new EngineError('wrong-credentials', 'wrong password')
    },
  } as unknown as WebDevice
  const home = { hasDevice: true, device: async () => device } as unknown as WebHome
  const keeper = new Keeper(home, { onAccount: () => {}, onActivity: () => {} })
  const { watch, removeFromServer } = accountMethods(home, keeper)
  await watch('live')
  await expect(removeFromServer({ password: 'not this one' })).rejects.toMatchObject({ code: 'wrong-credentials' })
  expect(watching).toBe(true)
})
