/** A text as a QR code: an SVG path on a grid of modules, with the quiet zone that scanners need. */
import qrcode from 'qrcode-generator'

const QUIET = 4

export interface QrPath {
  /** Modules a side, quiet zone included. */
  readonly size: number
  readonly path: string
}

export function qrPath(text: string): QrPath {
  const code = qrcode(0, 'M')
  code.addData(unescapeToBytes(text), 'Byte')
  code.make()
  const count = code.getModuleCount()
  let path = ''
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`
    }
  }
  return { size: count + 2 * QUIET, path }
}

/** The encoder takes one byte a character; readers expect UTF-8. */
function unescapeToBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}
