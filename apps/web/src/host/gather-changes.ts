/**
 * What others wrote comes in bursts: a sync of a large vault is hundreds of transactions, and every tab asks anew after each notice. The
 * first one is told at once; what changes while its pause lasts is told together when that is over, and the next pause is twice as long.
 * A pause in which nothing changes ends the burst, so that a letter that somebody types elsewhere is never kept waiting behind another.
 */
/** Milliseconds. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 1600

/** @returns what to call with each change */
export function gatherChanges(tell: (tables: readonly string[]) => void): (tables: readonly string[]) => void {
  const gathered = new Set<string>()
  let pause = 0

  function over(): void {
    if (gathered.size === 0) {
      pause = 0
      return
    }
    const tables = [...gathered]
    gathered.clear()
    pause = Math.min(2 * pause, LONGEST_PAUSE)
    setTimeout(over, pause)
    tell(tables)
  }
  return (tables) => {
    if (pause > 0) {
      for (const table of tables) gathered.add(table)
      return
    }
    pause = FIRST_PAUSE
    setTimeout(over, pause)
    tell(tables)
  }
}
