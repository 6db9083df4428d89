/** Every attack there is. */
import type { Attack } from '../attack.ts'
import { CONNECTIONS } from './connections.ts'
import { CREDENTIALS } from './credentials.ts'
import { FORGING } from './forging.ts'
import { HISTORY } from './history.ts'
import { LIVE } from './live.ts'
import { MERGED } from './merged.ts'
import { PUSHING } from './pushing.ts'
import { REPAIR } from './repair.ts'
import { ROTATION } from './rotation.ts'
import { SIGNING_IN } from './signing-in.ts'
import { SPEAKING } from './speaking.ts'
import { TAMPERING } from './tampering.ts'
import { WITHHOLDING } from './withholding.ts'

export const ATTACKS: readonly Attack[] = [
  ...WITHHOLDING,
  ...TAMPERING,
  ...FORGING,
  ...HISTORY,
  ...SIGNING_IN,
  ...CREDENTIALS,
  ...PUSHING,
  ...SPEAKING,
  ...CONNECTIONS,
  ...LIVE,
  ...MERGED,
  ...REPAIR,
  ...ROTATION,
]
