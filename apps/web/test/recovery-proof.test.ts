/** Whether somebody still has to show the recovery sheet, in a browser that keeps things. */
import { expect, test, vi } from 'vitest'

const items = new Map<string, string>()
vi.stubGlobal('localStorage', {
  getItem: (name: string) => items.get(name) ?? null,
  setItem: (name: string, value: string) => void items.set(name, value),
  removeItem: (name: string) => void items.delete(name),
})
const { isRecoveryUnproven, makeSheet, setRecoveryUnproven } = await import('#local/recovery-proof')

test('a new sheet is to be shown from before it is made; one that was not made leaves all as it was', async () => {
  const seen: boolean[] = []
  const make = (worked: boolean) =>
    makeSheet(async () => {
      seen.push(isRecoveryUnproven())
      return worked
    })
  expect(await make(false)).toBe(false)
  expect([seen, isRecoveryUnproven()]).toEqual([[true], false])
  expect(await make(true)).toBe(true)
  expect(isRecoveryUnproven()).toBe(true)
  await make(false)
  expect(isRecoveryUnproven()).toBe(true)
  setRecoveryUnproven(false)
  expect(isRecoveryUnproven()).toBe(false)
})
