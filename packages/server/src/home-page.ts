/** The page at `/`: tells a person that a server runs here, and what a browser would need. */
import type { Policy } from '#services'

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export function homePage({ version, insecure }: Pick<Policy, 'version' | 'insecure'>): string {
  const secure = insecure
    ? '<p><strong>This address is plain HTTP.</strong> Browsers offer no encryption and no storage to such pages: put HTTPS in front of this server (see its self-hosting page). The command line works as it is; what it sends is encrypted, but its session token is not.</p>'
    : ''
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lockstep server</title>
<h1>A Lockstep server runs here</h1>
<p>Version ${version}. It keeps encrypted notes in step and can read none of them.</p>
<p>The web app is not served here: <code>npm run build</code> in Lockstep’s folder builds it, and the server takes it up when it is started again.</p>
<p>The command line works as it is: <code>lockstep sign-in --server</code> with this address.</p>
${secure}
</html>
`
}
