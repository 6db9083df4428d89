/** The way between a device and the server: loses, repeats, delays and cuts short. */
import { EngineError } from '@lockstep/engine/errors'
import type { HttpClient, HttpRequest, HttpResponse } from '@lockstep/engine/http'
import { decodeUtf8 } from '@lockstep/protocol/bytes'
import type { Random } from '../support/random.ts'
import type { Fault } from './faults.ts'
import type { Scheduler } from './scheduler.ts'
import type { Answered, SimulatedServer } from './server.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** A device gives up on an answer after this time; the request may still arrive. */
const TIMEOUT = MINUTE / 2

export interface NetworkOptions {
  readonly scheduler: Scheduler
  readonly fault: (fault: Fault) => void
}

/** Bytes of bodies both ways and exchanges, of one device. */
export interface Traffic {
  exchanges: number
  bytes: number
}

/** One device's line to the server. */
export interface Line {
  readonly random: Random
  readonly traffic: Traffic
  /** The server that its requests lead to. */
  readonly server: SimulatedServer
  /** Virtual time until which nothing gets through. */
  readonly cutUntil: number
  /** Resolves after `delay` of virtual time, and never for a process that has died meanwhile. */
  readonly wait: (delay: number) => Promise<void>
}

export class Network {
  readonly #scheduler: Scheduler
  readonly #fault: (fault: Fault) => void
  /** Off: every request arrives and is answered. */
  faulty = true

  constructor({ scheduler, fault }: NetworkOptions) {
    this.#scheduler = scheduler
    this.#fault = fault
  }

  client(line: Line): HttpClient {
    return (request) => this.#exchange(request, line)
  }

  #delay(random: Random): number {
    const kind = this.faulty ? random.below(100) : 0
    if (kind < 90) return random.between(1, 40)
    if (kind < 97) return random.between(40, 20_000)
    return kind < 99 ? random.between(MINUTE, 60 * MINUTE) : random.between(DAY, 90 * DAY)
  }

  #happens(random: Random, percent: number): boolean {
    return random.below(100) < percent && this.faulty
  }

  /** Resolves with what comes back, undefined where nothing does before the device gives up. */
  #answer(request: HttpRequest, server: SimulatedServer, random: Random): Promise<Answered | undefined> {
    return new Promise((resolve) => {
      this.#scheduler.after(TIMEOUT, () => resolve(undefined))
      if (this.#happens(random, 4)) {
        this.#fault('requestLost')
        return
      }
      const answerLost = this.#happens(random, 4)
      const back = this.#delay(random)
      const there = this.#delay(random)
      if (there > TIMEOUT) this.#fault('requestLate')
      else if (there + back > TIMEOUT) this.#fault('answerLate')
      this.#scheduler.after(there, () => {
        void this.#scheduler.outside(server.handle(request)).then((answered) => {
          if (answered === undefined) return
          if (answerLost) this.#fault('answerLost')
          else this.#scheduler.after(back, () => resolve(answered))
        })
      })
      if (this.#happens(random, 3)) {
        this.#fault('requestRepeated')
        this.#scheduler.after(this.#delay(random), () => void this.#scheduler.outside(server.handle(request)))
      }
    })
  }

  async #exchange(request: HttpRequest, line: Line): Promise<HttpResponse> {
    const random = line.random.fork()
    line.traffic.exchanges++
    line.traffic.bytes += request.body?.length ?? 0
    await line.wait(0)
    if (this.#scheduler.now < line.cutUntil) {
      this.#fault('partitioned')
      throw new EngineError('offline', 'the simulated network is cut')
    }
    const answered = await this.#answer(request, line.server, random)
    await line.wait(0)
    if (answered === undefined) throw new EngineError('offline', 'no answer of the simulated server')
    line.traffic.bytes += answered.body.length
    this.#note(request, answered)
    return {
      status: answered.status,
      header: (name) => answered.headers.get(name),
      body: this.#body(answered, request, random, line),
    }
  }

  /** What is worth counting of an answer. */
  #note({ url, body: asked }: HttpRequest, { status, body }: Answered): void {
    const says = (bytes: Uint8Array | undefined, text: string) => decodeUtf8(bytes ?? new Uint8Array(0)).includes(text)
    if (status === 409 && says(body, '"epoch-closed"')) this.#fault('epochClosed')
    if (status === 201 && url.endsWith('/v1/segments/merged') && says(asked, '"seed"')) this.#fault('seeded')
  }

  async *#body({ body: bytes }: Answered, { method, url }: HttpRequest, random: Random, line: Line): AsyncGenerator<Uint8Array> {
    const stop = method === 'GET' && this.#happens(random, 4) ? random.below(bytes.length + 1) : bytes.length
    if (stop < bytes.length) this.#fault(url.includes('order=newest') ? 'newestFirstCutShort' : 'pullCutShort')
    for (let at = 0; at < stop; ) {
      const length = random.chance(0.7) ? stop - at : random.between(1, stop - at)
      yield bytes.subarray(at, at + length)
      at += length
      await line.wait(random.below(5))
    }
    // HTTP tells an answer that broke off from one that has ended.
    if (stop < bytes.length) throw new EngineError('offline', 'the simulated connection broke')
  }
}
