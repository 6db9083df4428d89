/** The link on the recovery sheet: its secret part is behind the `#`, and it reads back as it was written. */

import { expect, test } from 'vitest'
import { invitationLink, readInvitation } from '#account/invitation'
import { forEachSeed } from '../../../tests/support/random.ts'

const passphrase = 'legal winner thank year wave sausage worth useful legal winner thank yellow'

test('the server’s part of the link has nothing of it', () => {
  const link = new URL(invitationLink('https://notes.example/', { vault: 'main', passphrase }))
  expect(`${link.origin}${link.pathname}${link.search}`).toBe('https://notes.example/')
  expect(readInvitation(link.hash)).toEqual({ vault: 'main', passphrase })
})

test('whatever somebody chose as a passphrase reads back', async () => {
  const signs = [...'aZ9 +&=?#%/ü🌱"<>\\\n']
  await forEachSeed('invitations', 200, 'apps/web/test/invitation.test.ts', (random) => {
    const own = Array.from({ length: 1 + random.below(30) }, () => signs[random.below(signs.length)]).join('')
    const link = invitationLink('http://127.0.0.1:8787', { vault: 'a.b-c_d', passphrase: own })
    expect(readInvitation(new URL(link).hash)).toEqual({ vault: 'a.b-c_d', passphrase: own })
  })
})

test('a link may name the vault alone, or nothing: what it lacks the person brings', () => {
  for (const given of [
    { vault: 'main', passphrase: undefined },
    { vault: undefined, passphrase: undefined },
  ]) {
    const link = invitationLink('https://notes.example', given)
    expect(readInvitation(new URL(link).hash)).toEqual(given)
  }
  expect(readInvitation('#join?vault=&passphrase=')).toEqual({ vault: undefined, passphrase: undefined })
})

test('anything else behind the # is no invitation', () => {
  for (const hash of ['', '#', '#diffs', '#join', '#diff/join?vault=a']) {
    expect(readInvitation(hash)).toBeUndefined()
  }
})
