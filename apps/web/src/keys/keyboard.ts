/** The keyboard of the machine at hand. */
import { chordLabel } from '#keys/chord'

const MAC = typeof navigator === 'object' && /Mac|iPhone|iPad/.test(navigator.platform)

export const labelOf = (chord: string): string => chordLabel(chord, MAC)
