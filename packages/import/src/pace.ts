/**
 * How an import goes about a vault that others use at the same time: how many rows are one transaction, and what it waits for
 * between two of them.
 */
export interface Pace {
  readonly rows: number
  readonly pause: () => Promise<void>
}

/** For a program that does nothing else. */
export const NO_PACE: Pace = { rows: 500, pause: async () => {} }

/** Told of each space and note that an import made: what taking it back takes away. */
export type OnAdded = (table: 'spaces' | 'notes', id: string) => void
