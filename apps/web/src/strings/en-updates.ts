/** What people read about new versions, and where a page may store nothing. */
export const updates = {
  ready: 'A new version is ready.',
  missing: 'A part of the app could not be loaded. With a network, reloading helps; what you wrote stays.',
  reload: 'Reload',
  later: 'Later',
  notStored: 'Not reloaded: what you typed could not be stored yet.',
}

export const insecure = {
  title: 'This address is not safe enough for notes',
  why: 'It is plain HTTP. Browsers give such pages neither encryption nor storage, unless they come from the same machine.',
  how: 'What helps, best first:',
  ways: [
    'Open this server by its https:// address, if it has one.',
    'Whoever runs it can give it one: a certificate (--tls-cert, --tls-key), Caddy in front of it, or a tunnel. docs/self-hosting.md in Lockstep’s folder shows each.',
    'On the server’s own machine, open it as http://127.0.0.1 with its port.',
  ],
  cli: 'The command line works with this address as it is.',
} as const
