/** As strings.ts, for a part that is loaded apart from the page. */
import { type TransferStrings, transfer } from '#strings/en-transfer'

export const w: TransferStrings = transfer
