import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, loadConfig, parseConfig } from '#config'
import { homePage } from '#home-page'
import { running, temporaryFolder } from './running.ts'

test('defaults: this machine only, one vault, no quota', () => {
  expect(loadConfig({ flags: {}, environment: {} })).toMatchObject({
    port: 8787,
    host: '127.0.0.1',
    signUp: 'single',
    quota: 0,
    trustedProxy: [],
  })
})

test('the command line wins over the environment, the environment over the file', () => {
  const readFile = (path: string) => {
    expect(path).toBe('server.json')
    return JSON.stringify({ port: 1, host: 'file', quota: 10, trustedProxy: ['10.0.0.0/8'] })
  }
  const environment = { LOCKSTEP_CONFIG: 'server.json', LOCKSTEP_PORT: '2', LOCKSTEP_HOST: 'environment', LOCKSTEP_SIGN_UP: 'open' }
  const config = loadConfig({ flags: { port: '3', quota: undefined }, environment, readFile })
  expect(config).toMatchObject({ port: 3, host: 'environment', quota: 10, signUp: 'open', trustedProxy: ['10.0.0.0/8'] })
  const listed = loadConfig({ flags: {}, environment: { LOCKSTEP_TRUSTED_PROXY: '10.0.0.1, ::1' } })
  expect(listed.trustedProxy).toEqual(['10.0.0.1', '::1'])
})

test('what does not work is refused by name', () => {
  const issue = (options: Record<string, unknown>) => {
    try {
      parseConfig(options)
    } catch (error) {
      if (error instanceof ConfigError) return error.message
    }
    return 'accepted'
  }
  for (const [setting, value] of [
    ['port', 65536],
    ['port', 'x'],
    ['signUp', 'maybe'],
    ['quota', -1],
    ['trustedProxy', ['10.0.0.0/99']],
    ['publicUrl', 'notes.example'],
    ['publicUrl', 'ftp://notes.example'],
    ['metricsToken', 'short'],
    ['setupToken', 'short'],
    ['logLevel', 'loud'],
    ['allowedOrigin', ['*']],
    ['tlsCert', 'only.pem'],
    ['unheardOf', 1],
  ] as const) {
    expect(issue({ [setting]: value })).toContain(setting === 'tlsCert' ? 'tlsKey' : setting)
  }
  expect(() => loadConfig({ flags: { config: 'x' }, environment: {}, readFile: () => '[]' })).toThrow(ConfigError)
  expect(() => loadConfig({ flags: { config: 'x' }, environment: {}, readFile: () => '{' })).toThrow(ConfigError)
})

const ACCESS = { accessTeam: 'example', accessAud: ['tag'] }
const OIDC = { oidcIssuer: 'https://id.example', oidcAudience: 'notes', oidcAllow: ['ada@example.com'] }

test('lists, switches and sizes come from the environment too', () => {
  const environment = {
    LOCKSTEP_DIALECT: 'difflog, dataans,difflog',
    LOCKSTEP_INSECURE_NO_GATE: 'true',
    LOCKSTEP_ACCESS_AUD: '',
    LOCKSTEP_DIFFLOG_QUOTA: '0',
  }
  const config = loadConfig({ flags: { dataansFileBytes: '1000' }, environment })
  expect(config).toMatchObject({ dialect: ['difflog', 'dataans'], insecureNoGate: true, difflogQuota: 0, dataansFileBytes: 1000 })
  expect(parseConfig({})).toMatchObject({ dialect: [], insecureNoGate: false, dataansFileBytes: 2 ** 31, accessAud: [] })
})

test('a gate is whole, and there is one; the Dataans dialect has it, or this machine alone', () => {
  for (const good of [
    ACCESS,
    OIDC,
    { ...ACCESS, dialect: ['dataans', 'difflog'], host: '0.0.0.0' },
    { ...OIDC, dialect: ['dataans'] },
    { dialect: ['difflog'], host: '0.0.0.0' },
    { dialect: ['dataans'], insecureNoGate: true },
    { dialect: ['dataans'], insecureNoGate: true, host: '::1', publicUrl: 'http://localhost:1234' },
  ]) {
    expect(parseConfig(good)).toMatchObject(good)
  }
  for (const [what, bad] of [
    ['gate: there is one gate', { ...ACCESS, ...OIDC }],
    ['gate: there is one gate', { ...ACCESS, oidcAllow: ['*'] }],
    ['gate: accessTeam and accessAud', { accessTeam: 'example' }],
    ['gate: accessTeam and accessAud', { accessAud: ['tag'] }],
    ['gate: accessTeam and accessAud', { accessCertsUrl: 'https://certs.example' }],
    ['gate: the address of the Access certs', { ...ACCESS, accessCertsUrl: 'http://certs.example' }],
    ['gate: the Access team', { ...ACCESS, accessTeam: 'exa mple' }],
    ['gate: oidcIssuer, oidcAudience and oidcAllow', { oidcIssuer: 'https://id.example', oidcAudience: 'notes' }],
    ['gate: oidcIssuer, oidcAudience and oidcAllow', { oidcAllow: ['*'] }],
    ['gate: the OIDC issuer', { ...OIDC, oidcIssuer: 'id.example' }],
    ['insecureNoGate: there is a gate', { ...ACCESS, insecureNoGate: true }],
    ['dialect: dataans has no passwords', { dialect: ['dataans'] }],
    ['dialect: dataans has no passwords', { dialect: ['difflog', 'dataans'], host: '0.0.0.0' }],
    ['insecureNoGate: dataans without a gate', { dialect: ['dataans'], insecureNoGate: true, host: '0.0.0.0' }],
    ['insecureNoGate: dataans without a gate', { dialect: ['dataans'], insecureNoGate: true, trustedProxy: ['127.0.0.1'] }],
    ['insecureNoGate: dataans without a gate', { dialect: ['dataans'], insecureNoGate: true, publicUrl: 'https://notes.example' }],
    ['dialect', { dialect: ['klingon'] }],
    ['insecureNoGate', { insecureNoGate: 'perhaps' }],
    ['dataansFileBytes', { dataansFileBytes: 0 }],
    ['difflogQuota', { difflogQuota: -1 }],
    ['oidcAllow', { ...OIDC, oidcAllow: 'x'.split('').map(() => 1) }],
  ] as const) {
    expect(() => parseConfig(bad)).toThrow(new RegExp(`^${what}`))
  }
})

test('the page says when a browser would need HTTPS, and runs nothing', () => {
  expect(homePage({ version: '1', insecure: false })).not.toContain('HTTPS')
  expect(homePage({ version: '1', insecure: true })).toContain('HTTPS')
  expect(homePage({ version: '1', insecure: true })).not.toMatch(/<script|style=|<style/)
})

test('TLS: certificate and key from files, and a missing one is a config error', async (context) => {
  await expect(running({ tlsCert: '/nowhere.pem', tlsKey: '/nowhere.pem' })).rejects.toThrow(ConfigError)
  const folder = temporaryFolder()
  const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-days', '1']
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        tlsKey,
        '-out',
        tlsCert,
        ...subject,
      ],
      { stdio: 'ignore' },
    )
  } catch {
    if (process.env['LOCKSTEP_REQUIRE_ALL'] === '1') throw new Error('openssl is needed for this test')
    console.log('TLS: not run, there is no openssl here')
    return context.skip()
  }
  const { url } = await running({ tlsCert, tlsKey })
  expect(url).toMatch(/^https:/)
  const status = await new Promise((resolve, reject) => {
    get(`${url}/healthz`, { rejectUnauthorized: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
  expect(status).toBe(200)
  writeFileSync(tlsKey, 'not a key')
  await expect(running({ tlsCert, tlsKey })).rejects.toThrow(ConfigError)
})
