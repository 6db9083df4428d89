/** As strings.ts, for a part that is loaded apart from the page. */
import { language } from '#local/language'
import { transfer as en, type TransferStrings } from '#strings/en-transfer'
import { transfer as uk } from '#strings/uk-transfer'

export const w: TransferStrings = language === 'uk' ? uk : en
