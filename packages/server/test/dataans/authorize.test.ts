/** The authorize page: what it is given with, and what its script does inside of the app and outside. */
import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { errorOf, inside } from './support.ts'

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl-_'
const PATH = '/health/authorize.html'

async function page(headers: Record<string, string> = {}) {
  const { request, time } = inside()
  const response = await request(PATH, { headers })
  const html = await response.text()
  const token = /data-token="([^"]*)"/.exec(html)?.[1]
  return { response, html, token, now: time.now }
}

const between = (html: string, tag: string) => new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html)?.[1] ?? ''

interface Element {
  disabled: boolean
  hidden: boolean
  value: string
  textContent: string
  name: string
  readonly dataset: Record<string, string>
  focus(): void
  addEventListener(type: string, listener: (event: { preventDefault(): void }) => Promise<void>): void
}

/** Runs the page's script in a window that has only what a page has. */
async function opened(invoke?: (command: string, args: unknown) => Promise<unknown>) {
  const { html, token = '' } = await page({ cookie: `CF_Authorization=${TOKEN}` })
  let submit: ((event: { preventDefault(): void }) => Promise<void>) | undefined
  const element = (name: string): Element => ({
    name,
    disabled: true,
    hidden: true,
    value: '',
    textContent: '',
    dataset: name === 'form' ? { token } : {},
    focus: () => {},
    addEventListener: (type, listener) => {
      if (type === 'submit') submit = listener
    },
  })
  const elements = Object.fromEntries(['form', 'entry', 'send', 'password', 'salt', 'said'].map((name) => [name, element(name)]))
  const window = invoke === undefined ? {} : { __TAURI__: { core: { invoke } } }
  const location = new URL(`https://sync.example/under/health/authorize.html?x=y#z`)
  runInNewContext(between(html, 'script'), { window, location, URL, document: { getElementById: (id: string) => elements[id] } })
  const { password, salt, said, send, entry } = elements as Record<string, Element>
  return { password, salt, said, send, entry, submit: () => submit?.({ preventDefault: () => {} }) } as {
    password: Element
    salt: Element
    said: Element
    send: Element
    entry: Element
    submit: () => Promise<void>
  }
}

test('the page asks for password and passphrase, and says when only the password', async () => {
  const { response, html } = await page()
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(html).toContain('Enter ONLY the password on the very first sign in')
  expect(html).toMatch(/<label for="password">Password<\/label>/)
  expect(html).toMatch(/<label for="salt">Passphrase<\/label>/)
  expect(html).toMatch(/<input id="password" name="password" type="password"/)
})

test('it is kept nowhere, framed nowhere, and may run and load nothing but its own script and style', async () => {
  const { response, html } = await page()
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(policy).toMatch(/^default-src 'none';.*frame-ancestors 'none'/)
  expect(policy).not.toContain('unsafe')
  for (const tag of ['script', 'style']) {
    expect(html.split(`<${tag}`)).toHaveLength(2)
    expect(policy).toContain(`${tag}-src 'sha256-${createHash('sha256').update(between(html, tag)).digest('base64')}'`)
  }
  expect(html).not.toMatch(/\son\w+=|style=|src=|href=|https?:/)
})

test('it has the token of this request, wherever a gate takes it from; nothing else gets into it', async () => {
  for (const [headers, expected] of [
    [{ 'cf-access-jwt-assertion': TOKEN, cookie: 'CF_Authorization=x.y.z' }, TOKEN],
    [{ cookie: `a=b; CF_Authorization=${TOKEN}; c=d` }, TOKEN],
    [{ 'lockstep-gate-token': TOKEN }, TOKEN],
    [{ 'x-forwarded-access-token': TOKEN }, TOKEN],
    [{ authorization: `Bearer ${TOKEN}` }, TOKEN],
    [{ cookie: `lockstep_gate=${TOKEN}` }, TOKEN],
  ] as const) {
    expect((await page({ ...headers })).token).toBe(expected)
  }
  for (const bad of ['"><script>alert(1)</script>', 'a.b', 'a.b.c.d', 'a.b."', 'a.b.&quot;', "a.b.c'"]) {
    for (const headers of [{ 'cf-access-jwt-assertion': bad }, { cookie: `CF_Authorization=${bad}` }]) {
      const { html, token } = await page(headers)
      expect(html.toLowerCase().split('<script')).toHaveLength(2)
      expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    }
  }
})

test('without a gate the token opens nothing, and says that it holds for a year', async () => {
  const { token = '', now } = await page()
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  expect(JSON.parse(header ?? '')).toEqual({ alg: 'RS256', typ: 'JWT' })
  expect(JSON.parse(claims ?? '')).toMatchObject({ exp: now / 1000 + 365 * 86_400, iss: 'lockstep' })
})

test('a script that fetches the page does not get it', async () => {
  const { request } = inside()
  for (const destination of ['empty', 'iframe', 'frame', 'object', 'script', 'image']) {
    const answer = await request(PATH, { headers: { 'sec-fetch-dest': destination, cookie: `CF_Authorization=${TOKEN}` } })
    expect([answer.status, await errorOf(answer)]).toEqual([403, expect.stringContaining('window')])
  }
  expect((await request(PATH, { headers: { 'sec-fetch-dest': 'document' } })).status).toBe(200)
})

test('inside of the app it hands over what was entered, and nothing that was not', async () => {
  for (const [password, salt, expected] of [
    ['pass word', '', { password: 'pass word' }],
    ['pass word', 'Lantern-Orchid', { password: 'pass word', salt: 'Lantern-Orchid' }],
    ['', '', {}],
  ] as const) {
    const calls: unknown[] = []
    const window = await opened(async (command, args) => calls.push([command, args]))
    expect([window.send.disabled, window.entry.hidden]).toEqual([false, false])
    window.password.value = password
    window.salt.value = salt
    await window.submit()
    expect(calls).toEqual([['plugin:dataans|sign_in', { token: TOKEN, url: 'https://sync.example/under/', ...expected }]])
    expect([window.said.dataset['kind'], window.password.value, window.salt.value]).toEqual(['good', '', ''])
  }
})

test('what the app refuses is told, and can be tried again', async () => {
  for (const [error, told] of [
    ['access token is expired', 'access token is expired'],
    [new Error('no key'), 'no key'],
    [null, 'it gave no reason'],
  ] as const) {
    const window = await opened(() => Promise.reject(error))
    window.password.value = 'secret'
    await window.submit()
    expect(window.said.textContent).toContain(told)
    expect([window.said.dataset['kind'], window.send.disabled, window.password.value]).toEqual(['bad', false, 'secret'])
  }
})

test('in a browser it says to open it from the app, and takes nothing', async () => {
  const window = await opened()
  expect(window.said.textContent).toContain('only works inside the Dataans app')
  expect([window.send.disabled, window.entry.hidden]).toEqual([true, true])
  await window.submit()
  expect(window.said.dataset['kind']).toBe('bad')
})
