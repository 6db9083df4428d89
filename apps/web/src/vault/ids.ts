/** Row ids, made by whoever asks: asking twice then makes one row. */
import { toRowId } from '@lockstep/engine/cell'

export const newId = (): string => toRowId(crypto.getRandomValues(new Uint8Array(16)))
