/** Loading the page anew, for a reason of the app's own: not before everything that was typed in it is stored. */
import { openTexts } from '#text/open-texts'

/**
 * @param leave loads the page anew
 * @returns false where something typed cannot be stored: `leave` was not called then
 */
export async function leavePage(leave: () => void): Promise<boolean> {
  // What is typed from here on would be lost.
  document.body.inert = true
  if (!(await openTexts.stored())) {
    document.body.inert = false
    return false
  }
  leave()
  return true
}
