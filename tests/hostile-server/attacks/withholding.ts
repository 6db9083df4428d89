/** Not telling: segments, authors, tails and everything, with and without the traces covered. */
import { type Attack, during } from '../attack.ts'
import { Control } from '../control.ts'
import { newsAfter, withoutNth } from './news.ts'

const SUNDR = 'Li, Krohn, Mazières, Shasha, "Secure Untrusted Data Repository (SUNDR)", OSDI 2004'
const FREEZE = 'Cappos, Samuel, Baker, Hartman, "A Look in the Mirror: Attacks on Package Managers", CCS 2008 (freeze attack)'
const VENUS = 'Shraer, Cachin, Cidon, Keidar, Michalevsky, Shaket, "Venus: Verification for Untrusted Cloud Storage", CCSW 2010'

export const WITHHOLDING: readonly Attack[] = during('pull', [
  {
    name: 'withhold-segment',
    rules: ['LOG-1', 'LOG-8'],
    source: SUNDR,
    client: 'sees at the author’s next segment that a counter is missing, and says so',
    install: (control) => control.show((news) => withoutNth(news, 0)),
  },
  {
    name: 'withhold-segment-leaving-its-number',
    rules: ['LOG-4', 'LOG-5'],
    source: SUNDR,
    client: 'refuses a log with a hole',
    install: (control) =>
      control.changePull(({ position, segments }) => ({
        position,
        segments: segments.filter(({ last }) => last !== control.anchor.sequence + 1),
      })),
  },
  {
    name: 'withhold-replica',
    rules: ['LOG-8'],
    source: SUNDR,
    client: 'sees that another author has seen what it was not shown',
    install: (control) =>
      control.show((news) => {
        const [first] = news
        return first === undefined ? news : news.filter((segment) => !Control.byAuthorOf(first)(segment))
      }),
  },
  {
    name: 'withhold-replica-from-now-on',
    rules: ['LOG-8'],
    source: VENUS,
    client: 'sees it as soon as another author writes who had seen the rest',
    install: (control) =>
      control.show((news) => {
        const [first, , , last] = news
        if (first === undefined || last === undefined) return news
        return news.filter((segment) => segment.last < last.last || !Control.byAuthorOf(first)(segment))
      }),
  },
  {
    name: 'withhold-tail',
    rules: ['LOG-8'],
    source: SUNDR,
    client: 'cannot see it until somebody mentions the tail; does then',
    install: (control) => control.show((news) => withoutNth(news, 3)),
  },
  {
    name: 'freeze-then-resume',
    rules: ['LOG-8'],
    source: FREEZE,
    client: 'sees at the first segment after the gap that its author or others had written before',
    install: (control) => control.show((news) => news.slice(4)),
  },
  {
    name: 'withhold-in-the-middle-of-an-author',
    rules: ['LOG-1', 'LOG-8'],
    source: SUNDR,
    client: 'sees a counter missing',
    install: (control) => control.show((news) => withoutNth(news, 1)),
  },
  {
    name: 'head-inflated',
    rules: ['LOG-4', 'LOG-5'],
    source: SUNDR,
    client: 'keeps what verifies, and says that the server has by its own word more than it hands out',
    install: (control) =>
      control.changePull(({ position, segments }) => ({ position: { ...position, head: position.head + 5 }, segments })),
  },
  {
    name: 'head-below-what-is-delivered',
    rules: ['LOG-4'],
    source: SUNDR,
    client: 'is not led astray: what it holds is what verifies by itself; or refuses the answer',
    install: (control) =>
      control.changePull(({ position, segments }) => ({
        position: { ...position, head: Math.max(0, position.head - segments.length) },
        segments,
      })),
  },
  {
    name: 'nothing-new-by-an-empty-answer',
    rules: ['LOG-4'],
    source: FREEZE,
    client: 'says that the server hands out less than it has',
    install: (control) => control.changePull(({ position }) => ({ position, segments: [] })),
  },
  {
    name: 'half-of-the-news-each-time',
    rules: ['LOG-4'],
    source: 'Cappos, Samuel, Baker, Hartman, CCS 2008 (slow retrieval)',
    client: 'makes progress with each try, or says that there is none',
    install: (control) =>
      control.changePull(({ position, segments }) => ({ position, segments: segments.slice(0, Math.ceil(segments.length / 2)) })),
  },
  {
    name: 'only-the-last-of-the-news',
    rules: ['LOG-4', 'LOG-6'],
    source: SUNDR,
    client: 'refuses a log with a hole',
    install: (control) => control.changePull(({ position, segments }) => ({ position, segments: newsAfter(segments, 1) })),
  },
])
