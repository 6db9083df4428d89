/** A progress bar on a terminal; nothing anywhere else. It erases itself, so that what follows starts on a clean line. */
import type { Io } from '#io'
import type { Output } from '#output'

const MILLIS_BETWEEN = 50
const WIDTH = 24

export interface Progress {
  update(label: string, done: number, total: number): void
  end(): void
}

export function createProgress(io: Io, output: Output): Progress {
  const { stderr } = io
  if (stderr.isTTY !== true || output.json || output.quiet) return { update() {}, end() {} }
  let drawnAt = -Infinity
  let drawn = false
  return {
    update(label, done, total) {
      const now = io.now()
      if (now - drawnAt < MILLIS_BETWEEN && done < total) return
      drawnAt = now
      drawn = true
      const share = total > 0 ? Math.min(1, done / total) : 1
      const filled = Math.round(share * WIDTH)
      const line = `${label} [${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${done}/${total}`
      stderr.write(`\r\u001b[2K${line.slice(0, Math.max(10, (stderr.columns ?? 80) - 1))}`)
    },
    end() {
      if (drawn) stderr.write('\r\u001b[2K')
      drawn = false
    },
  }
}
