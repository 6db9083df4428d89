/** Answers what a test in a worker asks of Node (`worker/ask-node.ts`): plain functions by their names, and real servers. */
import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as zlib from 'node:zlib'
import type { ServerOptions } from '@lockstep/server/config'
import { type RunningServer, startServer } from '@lockstep/server/serve'
import { ASKED, ROOT } from './build.ts'
import { fromPlain, type Plain, toPlain } from './plain.ts'

type Functions = Readonly<Record<string, unknown>>

export interface NodeSide {
  /** @param question JSON of a name and arguments. @returns JSON of a result or an error */
  answer(question: string): Promise<string>
  /** Ends and removes what tests left. */
  close(): Promise<void>
}

/** A key as a worker has it. */
interface Der<T extends 'pkcs8' | 'spki'> {
  readonly key: Uint8Array
  readonly format: 'der'
  readonly type: T
}

const privateKeyOf = (key: Der<'pkcs8'>) => crypto.createPrivateKey({ ...key, key: Buffer.from(key.key) })
const publicKeyOf = (key: Der<'spki'>) => crypto.createPublicKey({ ...key, key: Buffer.from(key.key) })

/** For the tests of one run. */
export async function openNodeSide(): Promise<NodeSide> {
  const modules = new Map<string, Functions>(Object.entries({ crypto, fs, os, zlib }))
  for (const [name, path] of Object.entries(ASKED))
    modules.set(name, (await import(pathToFileURL(join(ROOT, path)).href)) as Functions)
  const servers = new Map<string, RunningServer>()
  const folders: string[] = []

  const own: Functions = {
    async startServer(options: ServerOptions) {
      const data = options.data ?? fs.mkdtempSync(join(os.tmpdir(), 'lockstep-server-'))
      if (options.data === undefined) folders.push(data)
      const server = await startServer({ port: 0, signUp: 'open', ...options, data }, { log: () => {} })
      servers.set(server.url, server)
      return { url: server.url, setupToken: server.setupToken }
    },
    sealGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array) {
      const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
      return [Buffer.concat([cipher.update(data), cipher.final()]), cipher.getAuthTag()]
    },
    openGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, data: Uint8Array, tag: Uint8Array) {
      const decipher = crypto.createDecipheriv('aes-256-gcm', key, nonce).setAAD(aad).setAuthTag(tag)
      return Buffer.concat([decipher.update(data), decipher.final()])
    },
    publicKeyOf: (key: Der<'pkcs8'>) => crypto.createPublicKey(privateKeyOf(key)).export({ format: 'der', type: 'spki' }),
    agree: (privateKey: Der<'pkcs8'>, publicKey: Der<'spki'>) =>
      crypto.diffieHellman({ privateKey: privateKeyOf(privateKey), publicKey: publicKeyOf(publicKey) }),
    closeServer: (url: string) => servers.get(url)?.close(),
  }

  function named(name: string): (...args: unknown[]) => unknown {
    const [module = '', key = ''] = name.split('.')
    const found = key === '' ? own[module] : modules.get(module)?.[key]
    if (typeof found !== 'function') throw new TypeError(`Node is not asked for ${name}`)
    return found as (...args: unknown[]) => unknown
  }

  return {
    async answer(question) {
      try {
        const { name, args } = JSON.parse(question) as { name: string; args: Plain }
        const result = await named(name)(...(fromPlain(args) as unknown[]))
        if (name === 'fs.mkdtempSync') folders.push(result as string)
        return JSON.stringify({ result: toPlain(result instanceof ArrayBuffer ? new Uint8Array(result) : result) })
      } catch (error) {
        const { message, code } = error as Error & { code?: unknown }
        return JSON.stringify({ error: { message, ...(typeof code === 'string' && { code }) } })
      }
    },
    async close() {
      await Promise.all([...servers.values()].map((server) => server.close()))
      for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}
