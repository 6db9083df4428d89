/** The text of the authorize page. Script and style are apart, so that the policy of the page can name them by their hashes. */

export const AUTHORIZE_STYLE = `
:root { color-scheme: light dark; --page: #f4f5f7; --card: #fff; --text: #1b1e24; --faint: #5a6372; --line: #8d96a5; --strong: #1f5fd6; --on-strong: #fff; --bad: #b3261e; --good: #1a6b3c }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161a; --card: #1e2127; --text: #eceef2; --faint: #a9b1be; --line: #6d7686; --strong: #8ab4ff; --on-strong: #10203f; --bad: #ffb4ab; --good: #8fd9a8 }
}
* { box-sizing: border-box }
[hidden] { display: none }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; padding: clamp(1.25rem, 6vw, 2rem); background: var(--card); border-radius: 1rem; box-shadow: 0 1px 2px #0002, 0 8px 32px #0001 }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25 }
p { margin: 0 0 1rem }
.note { padding: .75rem 1rem; border-inline-start: .25rem solid var(--strong); background: var(--page); border-radius: .25rem }
label { display: block; margin-top: 1rem; font-weight: 600 }
.hint { margin: 0 0 .35rem; color: var(--faint); font-size: .9rem }
input { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem; font: inherit }
button { width: 100%; min-height: 2.75rem; margin-top: 1.5rem; border: 0; border-radius: .5rem; background: var(--strong); color: var(--on-strong); font: inherit; font-weight: 600; cursor: pointer }
button:disabled { opacity: .5; cursor: default }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px }
#said { margin: 1rem 0 0; min-height: 1.5em; overflow-wrap: anywhere }
#said[data-kind=bad] { color: var(--bad) }
#said[data-kind=good] { color: var(--good) }
`

export const AUTHORIZE_SCRIPT = `
const form = document.getElementById('form')
const button = document.getElementById('send')
const fields = [document.getElementById('password'), document.getElementById('salt')]
const said = document.getElementById('said')

function say(kind, text) {
  said.dataset.kind = kind
  said.textContent = text
}

function reason(error) {
  if (typeof error === 'string') return error
  if (error && typeof error.message === 'string') return error.message
  return 'it gave no reason'
}

const invoke = window.__TAURI__ && window.__TAURI__.core && window.__TAURI__.core.invoke
if (typeof invoke === 'function') {
  document.getElementById('entry').hidden = false
  button.disabled = false
  fields[0].focus()
  say('', '')
} else {
  say('bad', 'This page only works inside the Dataans app. Open App info there, enter the address of this server, and log in.')
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  if (button.disabled) return
  button.disabled = true
  say('', 'Signing in …')
  const args = { token: form.dataset.token, url: new URL('../', location.href).href }
  for (const field of fields) if (field.value !== '') args[field.name] = field.value
  try {
    await invoke('plugin:dataans|sign_in', args)
    for (const field of fields) field.value = ''
    say('good', 'Signed in. You can close this window.')
  } catch (error) {
    button.disabled = false
    say('bad', 'The app could not sign in: ' + reason(error))
  }
})
`

/** @param token of characters that mean nothing in HTML: a JWT's */
export function authorizePage(token: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to Dataans</title>
<style>${AUTHORIZE_STYLE}</style>
</head>
<body>
<main>
<h1>Sign in to Dataans</h1>
<p>Your data is encrypted on your device. Password and passphrase stay there: this page hands them to the app and to nobody else.</p>
<p class="note">Enter ONLY the password on the very first sign in: the app makes the passphrase. On every other device enter both; a device that is signed in has the passphrase in its <code>profile.json</code>.</p>
<form id="form" data-token="${token}">
<div id="entry" hidden>
<label for="password">Password</label>
<p class="hint" id="password-hint">The same on all your devices.</p>
<input id="password" name="password" type="password" autocomplete="current-password" aria-describedby="password-hint">
<label for="salt">Passphrase</label>
<p class="hint" id="salt-hint">Leave it empty on the very first sign in.</p>
<input id="salt" name="salt" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="salt-hint">
<button id="send" type="submit" disabled>Sign in</button>
</div>
<p id="said" role="status">This page needs JavaScript, and the Dataans app around it.</p>
</form>
</main>
<script>${AUTHORIZE_SCRIPT}</script>
</body>
</html>
`
}
