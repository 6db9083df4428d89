/**
 * The way to the log-in of whatever stands in front of the server: the page asked for with this query is never answered from what
 * the app has stored, so the gate gets to see it; it comes back to the app by itself.
 */
const QUERY = '?gate'

export const openGate = (): void => location.assign(`/${QUERY}`)

/** Takes the query out of the address, where the page came back from the gate. */
export function leaveGate(): void {
  if (location.search === QUERY) history.replaceState(null, '', '/')
}
