/** Files of the machine that runs the browser; databases are in the browser's storage. */
import { askNode } from './ask-node.ts'
import { Buffer } from './buffer.ts'
import { removeDatabases } from './sqlite.ts'

const asked =
  (name: string) =>
  (...args: unknown[]): unknown =>
    askNode(`fs.${name}`, ...args)

export const mkdtempSync = asked('mkdtempSync') as (prefix: string) => string
export const mkdirSync = asked('mkdirSync')
export const writeFileSync = asked('writeFileSync')
export const cpSync = asked('cpSync')

export function readFileSync(path: string | URL, encoding?: string): string | Buffer {
  const content = askNode('fs.readFileSync', path, encoding)
  return content instanceof Uint8Array ? Buffer.from(content) : (content as string)
}

export function rmSync(path: string, options?: object): void {
  removeDatabases(path)
  if (!path.endsWith('.db')) askNode('fs.rmSync', path, options)
}
