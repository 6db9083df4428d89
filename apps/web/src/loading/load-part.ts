/**
 * Parts of the app that are loaded when they are needed. All of them are in the service worker's cache; where there is none yet, a
 * part may be out of reach, or gone because the server has a newer build meanwhile.
 */

/** Its code tells what can be done: to load the app anew. Nothing has happened. */
export class MissingPartError extends Error {
  readonly code = 'part-missing'
  constructor(cause: unknown) {
    super('a part of the app could not be loaded: reload the page', { cause })
    this.name = 'MissingPartError'
  }
}

/** @param load a dynamic import. @throws MissingPartError */
export async function loadPart<M>(load: () => Promise<M>): Promise<M> {
  try {
    return await load()
  } catch (cause) {
    throw new MissingPartError(cause)
  }
}
