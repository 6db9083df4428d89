/** The page of a test: it starts workers and passes on what the test asks of them. Requests are answered in their order or out of it, by number. */
interface Answer {
  /** Absent: nobody asked, it tells how far it is. */
  readonly id?: number
  readonly committed?: number
  readonly result?: unknown
  readonly error?: { readonly name: string; readonly code: unknown; readonly message: string }
}

const SCRIPTS: Readonly<Record<string, () => Worker>> = {
  device: () => new Worker(new URL('./device-worker.ts', import.meta.url), { type: 'module' }),
}

const workers = new Map<string, Worker>()
/** The last that each worker said it had stored. */
const committed = new Map<string, number>()
const waiting = new Map<number, (answer: Answer) => void>()
let last = 0

/** `name` is the worker's own, `script` what it runs. */
function start(name: string, script: string): void {
  const make = SCRIPTS[script]
  if (make === undefined) throw new Error(`there is no worker ${script}`)
  const worker = make()
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.committed !== undefined) committed.set(name, data.committed)
    if (data.id !== undefined) waiting.get(data.id)?.(data)
  }
  worker.onerror = ({ message }) => console.error(`${name}: ${message}`)
  workers.set(name, worker)
}

/** Ends a worker in the middle of whatever it is doing. */
function kill(name: string): void {
  workers.get(name)?.terminate()
  workers.delete(name)
}

const ask = (name: string, method: string, ...args: unknown[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const id = ++last
    waiting.set(id, ({ result, error }) => {
      waiting.delete(id)
      if (error === undefined) resolve(result)
      else reject(new Error(`${error.name} ${error.code}: ${error.message}`))
    })
    workers.get(name)?.postMessage({ id, method, args })
  })

Object.assign(globalThis, { lockstep: { start, kill, ask, committed: (name: string) => committed.get(name) } })
