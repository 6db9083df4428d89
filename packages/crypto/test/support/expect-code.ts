import { CryptoError, type CryptoErrorCode } from '#errors'

/** The code of the CryptoError that `action` ends with. Anything else, success included, fails the test. */
export async function codeOf(action: () => unknown): Promise<CryptoErrorCode> {
  try {
    await action()
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw new Error(`not a CryptoError: ${error}`, { cause: error })
  }
  throw new Error('it succeeded, an error was expected')
}
