/** What an attack is: a lie that a server can tell, the rule that it breaks, and what a correct client does about it. */
import type { Control } from './control.ts'

/**
 * What the client under attack does after the attack has been installed, all of it from a vault of three devices that are in
 * step, after which the two others have written some more:
 *
 * | act | the victim |
 * | --- | --- |
 * | pull | has nothing of its own to send, and syncs |
 * | push | has written something, and syncs |
 * | join | is a new device of the vault, with the right password and passphrase |
 * | join-by-password | the same in a vault that has no passphrase |
 * | return | has signed out, and signs in again |
 * | create | makes a new vault |
 * | password | changes the password |
 * | live | listens on a live connection |
 * | watch | syncs by itself, again and again |
 * | pull-merged | as pull, in a log whose older part has been merged into one run (attacks/merged.ts) |
 * | join-merged | as join, in such a log |
 * | pull-rotated | as pull, after a fourth device has been revoked (attacks/rotation.ts) |
 * | push-rotated | as push, after that |
 */
export type Act =
  | 'pull'
  | 'push'
  | 'join'
  | 'join-by-password'
  | 'return'
  | 'create'
  | 'password'
  | 'live'
  | 'watch'
  | 'pull-merged'
  | 'join-merged'
  | 'pull-rotated'
  | 'push-rotated'

export interface Attack {
  /** Unique, for people and for tables of expectations. */
  readonly name: string
  readonly act: Act
  /** The rules of docs/protocol.md that the server breaks, or that a client which falls for it breaks. */
  readonly rules: readonly string[]
  /** Where it is known from. */
  readonly source: string
  /** What a correct client does. */
  readonly client: string
  /** Needs a real connection: where the attack is in HTTP or below. */
  readonly wire?: true
  readonly install: (control: Control) => void | Promise<void>
}

export type AttackParts = Omit<Attack, 'act'>

/** Attacks of one act. */
export function during(act: Act, attacks: readonly AttackParts[]): Attack[] {
  return attacks.map((attack) => ({ ...attack, act }))
}
