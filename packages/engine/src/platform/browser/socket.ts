/** WebSocket as a browser has it: it sends the origin's cookies by itself, and no headers of ours. */
import type { SocketConnect } from '#http'

export const connectSocket: SocketConnect = (url, _headers, { onOpen, onMessage, onClose }) => {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => onOpen()
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) onMessage(new Uint8Array(data))
  }
  // A browser closes after every error, and says why then.
  socket.onclose = ({ code }) => onClose(code)
  return { send: (text) => socket.send(text), close: () => socket.close() }
}
