/**
 * What a test needs of Node while it runs in a browser's worker: folders on a disk, real servers, OpenSSL for the second implementation
 * of the formats. The worker waits for the answer (`XMLHttpRequest` may block there), so a function that answers at once in
 * Node does so here. The other side is `suite/node-side.ts`.
 */
import { fromPlain, type Plain, toPlain } from '../plain.ts'

type Answer = { readonly result: Plain } | { readonly error: { readonly message: string; readonly code?: string } }

let address = ''

/** Where the other side listens; before anything is asked. */
export function answeredAt(path: string): void {
  address = path
}

const question = (name: string, args: readonly unknown[]): string => JSON.stringify({ name, args: toPlain(args) })

function resultOf(text: string): unknown {
  const answer = JSON.parse(text) as Answer
  if ('result' in answer) return fromPlain(answer.result)
  throw Object.assign(new Error(answer.error.message), { code: answer.error.code })
}

/** @throws an error with the message and the code that Node's had */
export function askNode(name: string, ...args: unknown[]): unknown {
  const request = new XMLHttpRequest()
  request.open('POST', address, false)
  request.send(question(name, args))
  return resultOf(request.responseText)
}

/** As {@link askNode}, without blocking: for what ends only when this worker does something too. */
export async function askNodeAside(name: string, ...args: unknown[]): Promise<unknown> {
  const response = await fetch(address, { method: 'POST', body: question(name, args) })
  return resultOf(await response.text())
}
