/**
 * Signing in as the desktop app does it: a window of its own shows the server's page, whose script hands secrets and token to the
 * app. The window is played by objects of the kinds that the script asks for.
 */
import { hash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { AUD, startIssuer, TEAM } from '../support/issuer.ts'
import { DataansStage, PASSWORD } from './dataans-stage.ts'

type Invoke = (command: string, args: Readonly<Record<string, string>>) => Promise<unknown>

interface Field {
  value: string
  disabled: boolean
  hidden: boolean
  textContent: string
  name: string
  readonly dataset: Record<string, string>
  focus(): void
  addEventListener(kind: string, listener: (event: { preventDefault(): void }) => Promise<void>): void
}

class PageWindow {
  readonly response: Response
  readonly html: string
  readonly #elements = new Map<string, Field>()
  #submit: ((event: { preventDefault(): void }) => Promise<void>) | undefined

  private constructor(response: Response, html: string) {
    this.response = response
    this.html = html
  }

  /** @param invoke what the app around the window gives it; without one it is a browser like any other */
  static async open(url: string, token: string, invoke?: Invoke): Promise<PageWindow> {
    const href = `${url}/health/authorize.html`
    const response = await fetch(href, { headers: { cookie: `CF_Authorization=${token}` } })
    const page = new PageWindow(response, await response.text())
    const window = invoke === undefined ? {} : { __TAURI__: { core: { invoke } } }
    const document = { getElementById: (id: string) => page.element(id) }
    runInNewContext(page.script, { window, document, location: { href }, URL })
    return page
  }

  get script(): string {
    return /<script>(.*)<\/script>/s.exec(this.html)?.[1] ?? ''
  }

  /** As the page has it; attributes that the script reads are those of its tag. */
  element(id: string): Field {
    const known = this.#elements.get(id)
    if (known !== undefined) return known
    const tag = new RegExp(`<[^>]*\\bid="${id}"[^>]*>`).exec(this.html)?.[0]
    if (tag === undefined) throw new Error(`the page has no element ${id}`)
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
    const field: Field = {
      value: '',
      textContent: '',
      disabled: / disabled\b/.test(tag),
      hidden: / hidden\b/.test(tag),
      name: attribute('name'),
      dataset: { token: attribute('data-token') },
      focus: () => {},
      addEventListener: (_, listener) => {
        this.#submit = listener
      },
    }
    this.#elements.set(id, field)
    return field
  }

  async submit(password: string, salt = ''): Promise<void> {
    this.element('password').value = password
    this.element('salt').value = salt
    await this.#submit?.({ preventDefault: () => {} })
  }
}

async function gated() {
  const issuer = await startIssuer()
  const stage = await DataansStage.set({ accessTeam: TEAM, accessAud: [AUD], accessCertsUrl: issuer.certsUrl })
  const token = issuer.accessToken()
  const calls: { readonly command: string; readonly args: Readonly<Record<string, string>> }[] = []
  let passphrase = ''
  /** The app's part: signs a new device in with what the page handed over. */
  const invoke: Invoke = async (command, args) => {
    calls.push({ command, args })
    const device = stage.device({ url: args['url']?.replace(/\/$/, '') ?? '', token: args['token'] ?? '' })
    passphrase = (await device.signIn(args['password'] ?? '', args['salt'])).passphrase
  }
  return { stage, token, calls, invoke, passphrase: () => passphrase }
}

describe('the authorize page', () => {
  test('hands password, token and address to the app; on the next device the passphrase too', async () => {
    const { stage, token, calls, invoke, passphrase } = await gated()
    const first = await PageWindow.open(stage.url, token, invoke)
    expect(first.element('entry').hidden).toBe(false)
    expect(first.html).toContain('Enter ONLY the password on the very first sign in')
    await first.submit(PASSWORD)
    const url = `${stage.url}/`
    expect(calls).toEqual([{ command: 'plugin:dataans|sign_in', args: { token, url, password: PASSWORD } }])
    expect(first.element('said').dataset['kind']).toBe('good')
    expect(first.element('password').value).toBe('')

    const second = await PageWindow.open(stage.url, token, invoke)
    await second.submit(PASSWORD, passphrase())
    expect(calls[1]?.args).toEqual({ token, url, password: PASSWORD, salt: passphrase() })
    expect(second.element('said').dataset['kind']).toBe('good')
  })

  test('says why the app could not sign in, and lets the person try again', async () => {
    const { stage, token, invoke, passphrase } = await gated()
    await (await PageWindow.open(stage.url, token, invoke)).submit(PASSWORD)
    const salt = passphrase()
    const page = await PageWindow.open(stage.url, token, invoke)
    await page.submit('wrong', salt)
    expect(page.element('said').dataset['kind']).toBe('bad')
    expect(page.element('said').textContent).toContain('wrong password or passphrase')
    expect(page.element('send').disabled).toBe(false)
    await page.submit(PASSWORD, salt)
    expect(page.element('said').dataset['kind']).toBe('good')
  })

  test('in a browser that is not the app takes nothing and says where it works', async () => {
    const { stage, token } = await gated()
    const page = await PageWindow.open(stage.url, token)
    expect(page.element('said').textContent).toContain('Dataans app')
    expect(page.element('entry').hidden).toBe(true)
    expect(page.element('send').disabled).toBe(true)
  })

  test('runs its own script and no other, is kept by nobody, and sends nothing anywhere', async () => {
    const { stage, token } = await gated()
    const { response, html, script } = await PageWindow.open(stage.url, token)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/html\b/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const policy = response.headers.get('content-security-policy') ?? ''
    const allowed = Object.fromEntries(policy.split(';').map((rule) => rule.trim().split(/ (.*)/s) as [string, string]))
    expect(allowed['script-src']).toBe(`'sha256-${hash('sha256', script, 'base64')}'`)
    expect(allowed).toMatchObject({
      'default-src': "'none'",
      'form-action': "'none'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
    })
    expect(html).not.toMatch(/\son\w+=|https?:\/\/(?!www\.w3\.org)/)
  })
})
