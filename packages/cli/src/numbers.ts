/** Numbers on the command line. */
import { InvalidArgumentError } from 'commander'

/** @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}
