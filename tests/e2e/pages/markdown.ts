/** Renders texts as the app does, puts them on the page, and says what is on it that should not be. */

import { highlighter, needHighlighter, onHighlighter } from '@lockstep/web/text/highlighter'
import { renderMarkdown } from '@lockstep/web/text/markdown'
import type { Fault } from '../hostile/fault.ts'

const showImage = (host: string): string => `Show the image from ${host}`

/** Everything that Markdown is made of, and what each element may say of itself. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  A: ['href', 'target', 'rel'],
  BUTTON: ['type', 'class', 'data-host'],
  CODE: ['class'],
  DIV: ['class', 'tabindex'],
  IMG: ['src', 'alt', 'data-image', 'width', 'height'],
  LI: ['class'],
  OL: ['start'],
  PRE: ['tabindex'],
  SPAN: ['class'],
  TD: ['align'],
  TH: ['align'],
}
const BARE = new Set('BLOCKQUOTE BR EM H1 H2 H3 H4 H5 H6 HR P S STRONG TABLE TBODY THEAD TR UL'.split(' '))
const ADDRESS = /^(?:https?:|mailto:)/
const CLASSES = /^(?:wide|image|blocked-image|task|task done|language-\S*|hljs-[\w -]+)$/

function faultOf(element: Element): string | undefined {
  const { tagName, attributes } = element
  const allowed = ATTRIBUTES[tagName]
  if (allowed === undefined && !BARE.has(tagName)) return `<${tagName}>`
  for (const { name, value } of attributes) {
    if (!(allowed ?? []).includes(name)) return `<${tagName} ${name}>`
    if ((name === 'href' || name === 'src') && !ADDRESS.test(new URL(value, 'blob:x').href)) return `${name}=${value}`
    if (name === 'class' && !CLASSES.test(value)) return `class=${value}`
  }
  return undefined
}

const faultsOf = (root: ParentNode): string[] => [...root.querySelectorAll('*')].flatMap((element) => faultOf(element) ?? [])

const parsed = (html: string): Document => new DOMParser().parseFromString(html, 'text/html')

const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve))

/** Shows these texts, all at once, until what waits for its turn has had it. @returns those with something in them that Markdown does not make */
async function show(texts: readonly string[]): Promise<Fault[]> {
  if (highlighter() === undefined) {
    await new Promise<void>((resolve) => {
      onHighlighter(resolve)
      needHighlighter()
    })
  }
  const faulty: Fault[] = []
  for (const text of texts) {
    const place = document.createElement('div')
    place.innerHTML = renderMarkdown(text, { allowedHosts: new Set(), showImage })
    document.body.append(place)
    const pictures = [...place.querySelectorAll('img')].map(() => 'an image that nobody allowed')
    // With its images allowed, and never on the page: they would be fetched.
    const hosts = new Set(['evil.invalid', 'evil.invalid:99', ''])
    const once = parsed(renderMarkdown(text, { allowedHosts: hosts, showImage }))
    // Written out and read again, as by an editor or the clipboard.
    const twice = parsed(parsed(place.innerHTML).body.innerHTML)
    const faults = [...pictures, ...faultsOf(place), ...faultsOf(once.body), ...faultsOf(twice.body)]
    if (faults.length > 0) faulty.push({ text, faults })
  }
  await frame()
  await frame()
  document.body.replaceChildren()
  return faulty
}

Object.assign(globalThis, { show, html: (text: string) => renderMarkdown(text, { allowedHosts: new Set(), showImage }) })
