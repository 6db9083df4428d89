/** A connection on which a test writes whatever it likes, well-formed or not. */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawSocket {
  readonly socket: Socket
  /** What has come back so far. */
  readonly answer: () => string
  /** When the connection is closed: all that came back. */
  readonly closed: Promise<string>
}

/** Connects, and sends the text at once. */
export async function rawSocket(url: string, text = ''): Promise<RawSocket> {
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(answer)))
  await once(socket, 'connect')
  socket.write(text)
  return { socket, answer: () => answer, closed }
}
