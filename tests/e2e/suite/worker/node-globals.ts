/** Globals of Node that tests use. */
export { Buffer } from './buffer.ts'

export const process: { readonly env: Record<string, string | undefined> } = { env: {} }

export const setImmediate = (run: () => void): unknown => setTimeout(run)
