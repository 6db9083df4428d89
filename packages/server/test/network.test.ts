import { expect, test } from 'vitest'
import { identifyClient, networkOf, normaliseAddress, parseTrustedProxies } from '#network'

const none = parseTrustedProxies([])

test('[KEY-10] one address has one network, however it is written', () => {
  for (const [text, network] of [
    ['192.0.2.7', '192.0.2.0/24'],
    ['192.0.2.7:8080', '192.0.2.0/24'],
    [' ::ffff:192.0.2.7 ', '192.0.2.0/24'],
    ['2001:db8:1:2fe::1', '2001:db8:1:200::/56'],
    ['2001:0DB8:0001:02ff:ffff:ffff:ffff:ffff', '2001:db8:1:200::/56'],
    ['[2001:db8:1:2ab::9]:443', '2001:db8:1:200::/56'],
    ['2001:db8::', '2001:db8:0:0::/56'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56'],
    ['::', '0:0:0:0::/56'],
    ['::1', '0:0:0:0::/56'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/56'],
    ['1:2:3:4:5:6:7::', '1:2:3:0::/56'],
  ] as const) {
    expect([text, networkOf(normaliseAddress(text) ?? 'none')]).toEqual([text, network])
  }
  for (const text of ['', 'x', '256.1.1.1', '1.2.3', '[::1', '1::2::3', 'localhost']) expect(normaliseAddress(text)).toBeUndefined()
})

test('trusted proxies are addresses and prefixes, and nothing else', () => {
  const proxies = parseTrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])
  expect(['10.255.0.1', '192.0.2.1', '2001:db8:9::1'].map((address) => proxies.has(address))).toEqual([true, true, true])
  expect(['11.0.0.1', '192.0.2.2', '2001:db9::1'].map((address) => proxies.has(address))).toEqual([false, false, false])
  for (const wrong of ['', 'x/8', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '::/129', '10.0.0.0/a']) {
    expect(() => parseTrustedProxies([wrong])).toThrow(RangeError)
  }
})

test('a request is local only when nobody says that it was passed on', () => {
  expect(identifyClient('127.0.0.1', undefined, none).local).toBe(true)
  expect(identifyClient('::1', undefined, none).local).toBe(true)
  expect(identifyClient('127.0.0.1', '127.0.0.1', parseTrustedProxies(['127.0.0.1'])).local).toBe(false)
  expect(identifyClient('192.0.2.1', undefined, none).local).toBe(false)
  expect(identifyClient('', '127.0.0.1', none)).toEqual({ address: '', network: 'unknown', local: false })
})
