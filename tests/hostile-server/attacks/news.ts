/**
 * What others have written since the victim was in step, in the order of the log. Attacks count on this much of it:
 *
 *     0  by A          1  by A          2  by B, who has seen 0 and 1          3  by A: deletes something
 *     4 …  what comes later, by authors who have seen all that was before
 */
import type { DeliveredSegment } from '@lockstep/protocol/records'

export type News = readonly DeliveredSegment[]

export function withoutNth(news: News, n: number): News {
  return news.filter((_, i) => i !== n)
}

export function replaceNth(news: News, n: number, replace: (segment: DeliveredSegment) => DeliveredSegment): News {
  return news.map((segment, i) => (i === n ? replace(segment) : segment))
}

/** The last `count`. */
export function newsAfter(news: News, count: number): News {
  return news.slice(-count)
}

/** All four are there; a function of them, or the news as they are. */
export function withFour(news: News, change: (four: readonly [D, D, D, D], later: News) => News): News {
  const [a, b, c, d, ...later] = news
  if (a === undefined || b === undefined || c === undefined || d === undefined) return news
  return change([a, b, c, d], later)
}

type D = DeliveredSegment
