/**
 * Log lines: one JSON object each. Fields are counts, codes, route patterns and durations; never a name, a token, a
 * URL or a body.
 */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  readonly level: LogLevel
}

export function createLogger(level: LogLevel, write: (line: string) => void, clock: () => number = Date.now): Logger {
  const at =
    (line: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(line) < LOG_LEVELS.indexOf(level)) return
      write(`${JSON.stringify({ time: new Date(clock()).toISOString(), level: line, event, ...fields })}\n`)
    }
  return { level, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export const silentLogger: Logger = createLogger('error', () => {})

/** An error as log fields: its kind and place, and its message, which our own errors keep free of what people typed. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { error: error.name, code, message: error.message, stack: error.stack?.split('\n').slice(1, 4).join(' ').trim() }
}
