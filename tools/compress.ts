/** Brotli as well as it goes, once for each build: it takes seconds, and every visitor loads a tenth less than what a server compresses. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

/** Everything but pictures, which are compressed already. */
const COMPRESSED = /\.(?:css|html|js|svg|wasm|webmanifest)$/

export const brotli = (body: Uint8Array): Promise<Buffer> =>
  promisify(brotliCompress)(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  })

/** Writes `<name>.br` beside each file that gets shorter by it; `lockstep serve` sends that. */
export async function compressFolder(folder: string): Promise<void> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => COMPRESSED.test(name))
  await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      writeFileSync(`${path}.br`, await brotli(readFileSync(path)))
    }),
  )
}
