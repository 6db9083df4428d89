/**
 * Parts of the app that are loaded when they are needed. All of them are in the service worker's cache; where there is none yet, a
 * part may be out of reach, or gone because the server has a newer build meanwhile.
 */

export const PART_MISSING = 'part-missing'

/** To load the app anew helps. Nothing has happened. */
class MissingPartError extends Error {
  readonly code = PART_MISSING
  constructor(cause: unknown) {
    super('a part of the app could not be loaded: reload the page', { cause })
    this.name = 'MissingPartError'
  }
}

/** @param load a dynamic import. @throws MissingPartError, of code {@link PART_MISSING} */
export async function loadPart<M>(load: () => Promise<M>): Promise<M> {
  try {
    return await load()
  } catch (cause) {
    throw new MissingPartError(cause)
  }
}
