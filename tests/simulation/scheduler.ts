/**
 * The simulation's only clock and event loop. Whatever a device or the network waits for is an event in one queue, ordered
 * by virtual time and then by when it was asked for; nothing else decides who goes first, so a seed repeats exactly.
 *
 * Work that leaves the thread (real cryptography, compression, the web streams behind a request) ends when it likes. Its
 * result is kept back until its event's turn, and no event is taken while any of it is still running.
 */

interface Event {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

export class Scheduler {
  /** Virtual time, Unix milliseconds: the truth that the devices' wall clocks are off from. */
  now: number
  #order = 0
  readonly #heap: Event[] = []
  readonly #running = new Set<Promise<unknown>>()

  constructor(start: number) {
    this.now = start
  }

  /** Runs `run` after `delay` milliseconds of virtual time. */
  after(delay: number, run: () => void): void {
    this.#push({ time: this.now + delay, order: this.#order++, run })
  }

  /** Keeps the event loop from going on until `work` has settled. */
  outside<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => {},
      () => {},
    )
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return work
  }

  /** Takes events until none is left. */
  async run(): Promise<void> {
    for (;;) {
      await this.#settle()
      const event = this.#pop()
      if (event === undefined) return
      this.now = Math.max(this.now, event.time)
      event.run()
    }
  }

  /** Lets every continuation run that needs no further event. */
  async #settle(): Promise<void> {
    do {
      await Promise.all(this.#running)
      await new Promise<void>((resolve) => setImmediate(resolve))
    } while (this.#running.size > 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!before(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
