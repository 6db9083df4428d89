import { describe, expect, test } from 'vitest'
import { deviceNameOf } from '#account/device-name'
import { explain, isElsewhere } from '#account/explain'
import { HostError } from '#link/messages'

const context = { server: 'https://notes.example', origin: 'https://notes.example', vault: 'main' }
const failure = (code: string | undefined, retryAfter?: number, name = 'EngineError') =>
  new HostError({ name, code, message: 'as the engine says it', retryAfter })

describe('what a failure means for the person', () => {
  test.each([
    ['offline', /^Cannot reach https:\/\/notes\.example\. Check/],
    ['gate-refused', /wants you to log in there first/],
    ['wrong-credentials', /no vault “main”/],
    ['sign-up-refused', /choose “Another device”/],
    ['wrong-vault', /another vault/],
    ['device-revoked', /for good/],
    ['quota-exceeded', /no room/],
    ['storage-failed', /Free some space/],
    ['server-refused', /^As the engine says it\.$/],
    ['something-new', /^As the engine says it\.$/],
    [undefined, /^As the engine says it\.$/],
  ])('%s', (code, text) => {
    expect(explain(failure(code), context).text).toMatch(text)
  })

  test('another server than the page’s own cannot be reached from it, and that is said', () => {
    for (const code of ['offline', 'server-refused']) {
      expect(explain(failure(code), { ...context, server: 'other.example' }).text).toMatch(
        /may speak only to https:\/\/notes\.example/,
      )
    }
    expect(isElsewhere('notes.example', context.origin)).toBe(false)
    expect(isElsewhere('http://notes.example', context.origin)).toBe(true)
    expect(isElsewhere('notes.example:8443', context.origin)).toBe(true)
    expect(isElsewhere('not an address', context.origin)).toBe(true)
  })

  test.each([
    [undefined, 'Wait a few minutes'],
    [1, 'in 1 minute.'],
    [61, 'in 2 minutes.'],
    [900, 'in 15 minutes.'],
  ])('[KEY-10] locked out for %s seconds: in minutes, never fewer than there are', (retryAfter, text) => {
    expect(explain(failure('too-many-attempts', retryAfter), context).text).toContain(text)
  })

  test('a refused set-up token is told from a closed sign-up', () => {
    expect(explain(failure('sign-up-refused', undefined, 'ServerProblem'), context).text).toMatch(/set-up token/)
  })

  test('what is no error at all is told in its own words', () => {
    expect(explain('strange', context).text).toBe('Strange.')
  })
})

describe('a first name for a device', () => {
  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      'Safari on Mac',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['something else', 'Browser'],
  ])('%s', (userAgent, name) => {
    expect(deviceNameOf(userAgent)).toBe(name)
  })
})
