/**
 * How many parts a JSON text has, before it is parsed. A body that is not too long can still be made of millions of empty lists, each
 * of which costs its reader twenty times the bytes it was sent in, and the others the time that takes.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const LIST = 0x5b
const OBJECT = 0x7b

/** The end of a string whose first character is at `from`: where its closing quote is. */
function endOfString(json: Uint8Array, from: number): number {
  for (let at = from; at < json.length; at++) {
    const byte = json[at]
    if (byte === BACKSLASH) at += 1
    else if (byte === QUOTE) return at
  }
  return json.length
}

/**
 * Whether a text has more than `most` parts: lists, objects, texts (names of fields too), and commas between them. Of a text that
 * is no JSON the answer means nothing, and parsing it says so.
 */
export function hasMoreParts(json: Uint8Array, most: number): boolean {
  if (json.length <= most) return false
  let parts = 0
  let backslash = -1
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte !== QUOTE && byte !== COMMA && byte !== LIST && byte !== OBJECT) continue
    parts += 1
    if (parts > most) return true
    if (byte !== QUOTE) continue
    // Sealed texts are long and have no escapes: they are leapt over.
    if (backslash <= at) backslash = json.indexOf(BACKSLASH, at) >>> 0
    const end = json.indexOf(QUOTE, at + 1)
    at = end !== -1 && end < backslash ? end : endOfString(json, at + 1)
  }
  return false
}
