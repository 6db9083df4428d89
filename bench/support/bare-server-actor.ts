/** A Node HTTP server that reads a request and answers the same bytes each time: what a server costs that does nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveActor } from './actor.ts'

let answer = ''

const server = createServer((incoming, outgoing) => {
  incoming.on('end', () => {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
    outgoing.end(answer)
  })
  incoming.resume()
})

const methods = {
  start(): Promise<string> {
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
    })
  },
  setAnswer(text: string): void {
    answer = text
  },
}

export type BareServerActor = typeof methods

serveActor(methods, async () => {
  server.closeAllConnections()
  server.close()
})
