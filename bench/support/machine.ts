/**
 * What this machine can do when nothing else has to be done, measured on the benchmarks' own data. Each takes about half
 * a second or one pass over its input, whatever is longer.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { GeneratedNote } from './notes.ts'
import { median } from './report.ts'

const MILLIS = 500
/** A segment's size, before and after compression. */
const BODY = 256 * 1024

function temporary<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-machine-'))
  try {
    return body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Calls a second. */
function rate(call: () => void): number {
  let calls = 0
  const started = performance.now()
  while (performance.now() - started < MILLIS) {
    call()
    calls++
  }
  return (calls * 1000) / (performance.now() - started)
}

/** AES-256-GCM by WebCrypto in segments of 256 KiB, one after another: MB/s. */
export async function aesGcmRate(): Promise<number> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
  const data = crypto.getRandomValues(new Uint8Array(64 * 1024))
  const block = new Uint8Array(BODY)
  for (let at = 0; at < BODY; at += data.length) block.set(data, at)
  let calls = 0
  const started = performance.now()
  while (performance.now() - started < MILLIS) {
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, block)
    calls++
  }
  return (calls * BODY) / 1000 / (performance.now() - started)
}

const textOf = (notes: readonly GeneratedNote[]): Buffer =>
  Buffer.from(notes.map(({ title, text }) => `${title}\n${text}`).join('\n')).subarray(0, BODY)

/** Inflating a segment's worth of notes, MB of text a second. */
export function inflateRate(notes: readonly GeneratedNote[]): number {
  const text = textOf(notes)
  const packed = deflateRawSync(text, { level: 1 })
  return (rate(() => inflateRawSync(packed)) * text.length) / 1e6
}

/** Deflating it at level 1, MB of text a second. */
export function deflateRate(notes: readonly GeneratedNote[]): number {
  const text = textOf(notes)
  return (rate(() => deflateRawSync(text, { level: 1 })) * text.length) / 1e6
}

/** Rows a second into a bare table with a rowid, a unique text id, title and text: the least a vault must store. */
export function insertRate(notes: readonly GeneratedNote[]): number {
  return temporary((folder) => {
    const db = new DatabaseSync(join(folder, 'bare.db'))
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096; PRAGMA cache_size = -16384')
    db.exec('CREATE TABLE notes (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, text TEXT)')
    const insert = db.prepare('INSERT INTO notes VALUES (?, ?, ?, ?)')
    const ids = notes.map(() =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(16)))
        .toString('hex')
        .slice(0, 26),
    )
    const started = performance.now()
    for (let i = 0; i < notes.length; ) {
      db.exec('BEGIN')
      for (const end = i + 1000; i < end && i < notes.length; i++) {
        insert.run(BigInt(i), ids[i] as string, (notes[i] as GeneratedNote).title, (notes[i] as GeneratedNote).text)
      }
      db.exec('COMMIT')
    }
    const elapsed = performance.now() - started
    db.close()
    return (notes.length * 1000) / elapsed
  })
}

/** Rows a second into one FTS5 table as the search index makes them (no content, no positions). */
export function ftsRate(notes: readonly GeneratedNote[]): number {
  return temporary((folder) => {
    const db = new DatabaseSync(join(folder, 'fts.db'))
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384')
    db.exec(`CREATE VIRTUAL TABLE f USING fts5(title, text, content='', contentless_delete=1, detail=none,
      tokenize='unicode61 remove_diacritics 2')`)
    db.exec("INSERT INTO f (f, rank) VALUES ('hashsize', 33554432)")
    const insert = db.prepare('INSERT INTO f (rowid, title, text) VALUES (?, ?, ?)')
    const started = performance.now()
    db.exec('BEGIN')
    notes.forEach(({ title, text }, i) => {
      insert.run(BigInt(i), title, text)
    })
    db.exec('COMMIT')
    const elapsed = performance.now() - started
    db.close()
    return (notes.length * 1000) / elapsed
  })
}

/** Milliseconds for one write of 4 KiB and fdatasync: the least that anything durable takes. */
export function syncMillis(): number {
  return temporary((folder) => {
    const file = openSync(join(folder, 'file'), 'w')
    const block = Buffer.alloc(4096)
    const times: number[] = []
    for (const until = performance.now() + MILLIS; performance.now() < until; ) {
      const started = performance.now()
      writeSync(file, block)
      fdatasyncSync(file)
      times.push(performance.now() - started)
    }
    closeSync(file)
    return median(times)
  })
}

/** Transactions a second that store one blob of `bytes` each and are synced to the disk: a server without group commit, and without the rest of it. */
export function commitRate(bytes: number): number {
  return temporary((folder) => {
    const db = new DatabaseSync(join(folder, 'commits.db'))
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096')
    db.exec('CREATE TABLE blobs (n INTEGER PRIMARY KEY, bytes BLOB)')
    const insert = db.prepare('INSERT INTO blobs (bytes) VALUES (?)')
    const blob = crypto.getRandomValues(new Uint8Array(bytes))
    const commits = rate(() => insert.run(blob))
    db.close()
    return commits
  })
}

/** Milliseconds for 500 bytes to a TCP socket on loopback and back, both ends in this process. */
export async function loopbackMillis(): Promise<number> {
  const server = createServer((socket) => socket.setNoDelay().pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1').setNoDelay()
  const times: number[] = []
  for (const until = performance.now() + MILLIS; performance.now() < until; ) {
    const started = performance.now()
    await new Promise((resolve) => {
      socket.once('data', resolve)
      socket.write(Buffer.alloc(500))
    })
    times.push(performance.now() - started)
  }
  socket.destroy()
  server.close()
  return median(times)
}
