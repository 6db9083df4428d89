/** What a process did to its files and sockets, from `strace -f -y -x`: calls in the order in which they returned. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export const STRACE = ['strace', '-f', '-y', '-x', '-s', '1000000'] as const
export const TRACED_CALLS = 'openat,pwrite64,write,writev,sendto,fsync,fdatasync,ftruncate,unlink,unlinkat'

export function straceWorks(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export type Call =
  | { readonly type: 'create'; readonly path: string }
  | { readonly type: 'write'; readonly path: string; readonly at: number; readonly bytes: Uint8Array }
  | { readonly type: 'truncate'; readonly path: string; readonly length: number }
  | { readonly type: 'sync'; readonly path: string }
  | { readonly type: 'unlink'; readonly path: string }
  | { readonly type: 'send'; readonly bytes: Uint8Array }

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, '"': 34, '\\': 92 }

/** The bytes of a string as strace quotes it. */
function unquote(text: string): Uint8Array {
  // With -x a string has either only such pairs or none.
  if (text.startsWith('\\x')) return Buffer.from(text.replaceAll('\\x', ''), 'hex')
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const octal = text[i] === '\\' ? /^[0-7]{1,3}/.exec(text.slice(i + 1, i + 4))?.[0] : undefined
    if (octal !== undefined) {
      bytes.push(Number.parseInt(octal, 8))
      i += octal.length
    } else if (text[i] === '\\') {
      i += 1
      bytes.push(ESCAPES[text[i] ?? ''] ?? text.charCodeAt(i))
    } else {
      bytes.push(text.charCodeAt(i))
    }
  }
  return Uint8Array.from(bytes)
}

const STRINGS = /"((?:[^"\\]|\\.)*)"/g

function strings(text: string): Uint8Array[] {
  return [...text.matchAll(STRINGS)].map(([, quoted = '']) => unquote(quoted))
}

const decoder = new TextDecoder()

function parseCall(text: string): Call | undefined {
  const name = text.slice(0, text.indexOf('('))
  const result = Number(/\) += (-?\d+)/.exec(text.slice(text.lastIndexOf(') ')))?.[1])
  if (!(result >= 0)) return undefined
  const target = /^\w+\(\d+<([^>]*)>/.exec(text)?.[1] ?? ''
  switch (name) {
    case 'openat':
      return text.includes('O_CREAT') ? { type: 'create', path: decoder.decode(strings(text)[0]) } : undefined
    case 'unlink':
    case 'unlinkat':
      return { type: 'unlink', path: decoder.decode(strings(text)[0]) }
    case 'ftruncate':
      return { type: 'truncate', path: target, length: Number(/, (\d+) *\)/.exec(text)?.[1]) }
    case 'fsync':
    case 'fdatasync':
      return { type: 'sync', path: target }
    case 'pwrite64': {
      const at = Number(/, (\d+) *\) += \d+$/.exec(text.trimEnd())?.[1])
      return { type: 'write', path: target, at, bytes: (strings(text)[0] ?? new Uint8Array(0)).slice(0, result) }
    }
    default:
      return target.startsWith('socket:') ? { type: 'send', bytes: Buffer.concat(strings(text)) } : undefined
  }
}

/** Calls that failed, and those that are neither of files nor of sockets, are left out. */
export function readTrace(path: string): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, string>()
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const space = line.indexOf(' ')
    const pid = line.slice(0, space)
    let text = line.slice(space).trimStart()
    if (text.endsWith('<unfinished ...>')) {
      unfinished.set(pid, text.slice(0, -'<unfinished ...>'.length))
      continue
    }
    if (text.startsWith('<...')) text = `${unfinished.get(pid) ?? ''}${text.slice(text.indexOf('>') + 1)}`
    const call = /^\w+\(/.test(text) ? parseCall(text) : undefined
    if (call !== undefined) calls.push(call)
  }
  return calls
}
