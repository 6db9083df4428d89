/** What tests read of a home, and networks that change what a server says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpClient, HttpRequest } from '#http'
import { answer } from './log-server.ts'

export const homeFile = (home: string, name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(home, name), 'utf8')) as Record<string, unknown>

/** Answers to the requests that `which` picks, with another JSON body. */
export const rewriting =
  (which: (request: HttpRequest) => boolean, change: (json: Record<string, unknown>) => object) =>
  (http: HttpClient): HttpClient =>
  async (request) => {
    const response = await http(request)
    if (!which(request) || response.status >= 300) return response
    const parts: Uint8Array[] = []
    for await (const part of response.body) parts.push(part)
    const json = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>
    return { ...answer(response.status, Buffer.from(JSON.stringify(change(json)))), header: response.header }
  }
