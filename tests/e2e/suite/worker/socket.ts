/** The browser's WebSocket, through the page's own server. */
import type { SocketConnect } from '@lockstep/engine/http'
import { connectSocket as connectDirectly } from '@lockstep/engine/platform/browser/socket'
import { throughPage } from './http.ts'

export const connectSocket: SocketConnect = (url, headers, events) => connectDirectly(throughPage(url), headers, events)
