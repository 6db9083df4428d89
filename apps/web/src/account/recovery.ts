/** The recovery sheet: all that it takes to come back to the vault but the password, and the proof that somebody has it. */
import { t } from '#strings/strings'

export interface Recovery {
  readonly server: string
  readonly vault: string
  readonly passphrase: string
}

/** The sheet as a text file. */
export function recoveryText({ server, vault, passphrase }: Recovery): string {
  const r = t.account.recovery
  const lines = [
    r.heading,
    '',
    `${t.account.server}: ${server}`,
    `${t.account.vault}: ${vault}`,
    `${t.account.passphrase}: ${passphrase}`,
    '',
    r.howTo,
    ...r.steps(server).map((step, i) => `${i + 1}. ${step}`),
    '',
    r.warning,
  ]
  return `${lines.join('\n')}\n`
}

/** A name that every file system takes: a vault's name has letters, digits, dots, dashes and underscores. */
export const recoveryFile = (vault: string): string => `lockstep-recovery-${vault}.txt`

/** The words as one writes them down: a passphrase of somebody's own may have hyphens between. */
export const sheetWords = (passphrase: string): readonly string[] =>
  passphrase.split(/\p{White_Space}+/u).filter((word) => word !== '')

/** Two positions to ask for, from 0, ascending; fewer where there are fewer words. @param random in [0, 1) */
export function pickWords(count: number, random: () => number): readonly number[] {
  const positions = Array.from({ length: count }, (_, i) => i)
  const picked: number[] = []
  while (picked.length < 2 && positions.length > 0) {
    picked.push(...positions.splice(Math.floor(random() * positions.length), 1))
  }
  return picked.sort((a, b) => a - b)
}

/** @returns positions whose word is another one; case does not count */
export function wrongWords(passphrase: string, answers: ReadonlyMap<number, string>): readonly number[] {
  const words = sheetWords(passphrase)
  return [...answers].flatMap(([position, typed]) =>
    typed.trim().toLowerCase() === words[position]?.toLowerCase() ? [] : [position],
  )
}
