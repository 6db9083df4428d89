/** Where a worker keeps its vault, told by the worker's name: names are what a worker knows from its first moment. */

/** A vault of one tab, gone with it. */
export const IN_MEMORY = 'in-memory'

export type Storage = 'browser' | 'memory'

export const storageOf = (workerName: string): Storage => (workerName === IN_MEMORY ? 'memory' : 'browser')
