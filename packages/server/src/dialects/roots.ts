/** Whose a path is: a dialect's, by its first segment, or our own protocol's. */
import type { Dialect } from '#dialects/dialect'

export type DialectOf = (path: string) => Dialect | undefined

/** Decoded, as the router reads it: `/%61pi` is `/api`. */
function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  const segment = path.slice(1, end === -1 ? undefined : end)
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

export function dialectsByRoot(dialects: readonly Dialect[]): DialectOf {
  const byRoot = new Map(dialects.flatMap((dialect) => dialect.roots.map((root) => [root, dialect])))
  return byRoot.size === 0 ? () => undefined : (path) => byRoot.get(firstSegment(path))
}
