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

/** Where the server looks for a token that a page of its own origin has: its requests, the live connection and the page itself. */
export const TOKEN_COOKIE = 'lockstep_gate'

/** Of what a person gave by hand; a gate's own cookies are the gate's. */
export function forgetGateToken(): void {
  // biome-ignore lint/suspicious/noDocumentCookie: Safari and Firefox have no other way to it everywhere
  document.cookie = `${TOKEN_COOKIE}=; path=/; max-age=0`
}
