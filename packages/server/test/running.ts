/** Starts real servers on free ports for tests and cleans up after them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ServerOptions } from '#config'
import { type RunningServer, type ServeSeams, startServer } from '#serve'
import { jsonRequest, signUpBody } from './client.ts'

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-server-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function running(options: ServerOptions = {}, seams: ServeSeams = {}): Promise<RunningServer> {
  const data = options.data ?? temporaryFolder()
  const server = await startServer({ port: 0, ...options, data }, { log: () => {}, ...seams })
  onTestFinished(() => server.close())
  return server
}

/** What a session looks like on the wire. */
export type WireSession = { vaultId: string; token: string; deviceCookie: string; bundle: { version: number; sealed: string } }

export async function signUp(url: string, name = 'main', device = 'laptop'): Promise<WireSession> {
  const response = await fetch(`${url}/v1/vaults`, jsonRequest('POST', signUpBody(name, device)))
  if (response.status !== 201) throw new Error(`sign-up: ${response.status} ${await response.text()}`)
  return (await response.json()) as WireSession
}

export async function problem(response: Response): Promise<{ status: number; code: string; [member: string]: unknown }> {
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`status ${response.status} is not a problem: ${await response.text()}`)
  }
  const body = (await response.json()) as { status: number; code: string; title: string; type: string; detail: string }
  if (body.status !== response.status) throw new Error(`a problem says ${body.status} in an answer of ${response.status}`)
  return body
}
