/** WebSocket by Node's own global, which takes headers for the handshake. */
import type { SocketConnect } from '#http'

/** A browser's takes a list of protocols here, and that is what its types know where both are in one program. */
const NodeSocket = WebSocket as unknown as new (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>> },
) => WebSocket

export const connectSocket: SocketConnect = (url, headers, { onOpen, onMessage, onClose }) => {
  const socket = new NodeSocket(url, { headers: { ...headers } })
  socket.binaryType = 'arraybuffer'
  let closed = false
  const close = (code: number) => {
    if (closed) return
    closed = true
    onClose(code)
  }
  socket.addEventListener('open', () => onOpen())
  socket.addEventListener('message', ({ data }) => {
    if (data instanceof ArrayBuffer) onMessage(new Uint8Array(data))
  })
  socket.addEventListener('error', () => close(1006))
  socket.addEventListener('close', ({ code }) => close(code))
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(),
  }
}
