/**
 * Texts that try to run code or to fetch something when they are shown: each class of attack on a page that shows what strangers
 * wrote, and each in the disguises that got past some filter once. What would run calls `trip`; what would be fetched is at
 * `evil.invalid`.
 *
 * Sources of the classes: https://cheatsheetseries.owasp.org/cheatsheets/XSS_Filter_Evasion_Cheat_Sheet.html,
 * https://html.spec.whatwg.org (which elements and attributes run or fetch), https://research.securitum.com (mutations).
 */
import { CLOBBERING, CONTROLS, FETCHING, MARKDOWN, MUTATING, STYLES, SVG_AND_MATH, WHOLE_ELEMENTS } from './classes.ts'

export interface Payload {
  /** The class it belongs to. */
  readonly kind: string
  readonly text: string
}

const EVENTS =
  'onabort onanimationend onanimationstart onauxclick onbeforecopy onbeforeinput onbeforematch onbeforetoggle onbegin onblur oncanplay onclick oncontentvisibilityautostatechange oncuechange ondrag onend onerror onfocus onfocusin onformdata onhashchange oninput onload onloadstart onmessage onmouseenter onmouseover onpageshow onpaste onpointerenter onpointerrawupdate onrepeat onresize onscroll onscrollend onscrollsnapchange onsecuritypolicyviolation onslotchange onstart onsuspend ontimeupdate ontoggle ontransitionend onunhandledrejection onunload onvolumechange onwebkitanimationend onwheel'.split(
    ' ',
  )
const ELEMENTS =
  'a audio autofocus-x body button details dialog div embed form frameset iframe img input isindex marquee math object p select style svg table textarea video'.split(
    ' ',
  )
/** What may stand between an element's name and its attributes, as one parser or another has it. */
const GAPS = [' ', '/', '\t', '\n', '\f', '/x=">"/', ' x="`" ']
const QUOTES = [
  (code: string) => code,
  (code: string) => `"${code}"`,
  (code: string) => `'${code}'`,
  (code: string) => `\`${code}\``,
]

/** Each handler on each of these elements, set off by itself wherever a browser knows how. */
function* handlers(): Generator<Payload> {
  let n = 0
  for (const event of EVENTS) {
    for (const element of ELEMENTS) {
      const gap = GAPS[n % GAPS.length] as string
      const quote = QUOTES[n % QUOTES.length] as (code: string) => string
      n++
      const text = `<${element}${gap}src=x open autofocus tabindex=1 contenteditable style=animation:x popover ${event}=${quote('trip()')}>x`
      yield { kind: 'handler', text: n % 2 === 0 ? text.replace(event, event.toUpperCase()) : text }
    }
  }
}

const ADDRESSES = [
  'javascript:trip()',
  'javascript://evil.invalid/%0Atrip()',
  'data:text/html,<script>top.trip()</script>',
  'data:text/html;base64,PHNjcmlwdD50b3AudHJpcCgpPC9zY3JpcHQ+',
  'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="top.trip()"/>',
  'data:text/javascript,trip()',
  'vbscript:trip()',
  'blob:https://evil.invalid/1',
  'file:///etc/passwd',
  'view-source:javascript:trip()',
  'feed:javascript:trip()',
  'filesystem:https://evil.invalid/1',
  '//evil.invalid/x',
  '\\\\evil.invalid\\x',
  'mailto:a@evil.invalid?body=<img src=x onerror=trip()>',
  'https://evil.invalid/"onmouseover="trip()',
  "https://evil.invalid/'onerror='trip()",
  'https://evil.invalid/><img src=x onerror=trip()>',
]

const entity = (text: string, each: (code: number) => string): string =>
  [...text].map((character) => each(character.codePointAt(0) as number)).join('')

/** An address, and the same in disguise. */
const DISGUISES: readonly ((address: string) => string)[] = [
  (address) => address,
  (address) => address.toUpperCase().replace('TRIP', 'trip'),
  (address) => entity(address, (code) => `&#${code};`),
  (address) => entity(address, (code) => `&#x${code.toString(16)};`),
  (address) => entity(address, (code) => `&#${String(code).padStart(7, '0')}`),
  (address) => address.replace(':', '&colon;'),
  (address) => address.replace('s', 's&Tab;').replace(':', '&NewLine;:'),
  (address) => address.replace(/^(..)/, '$1\t'),
  (address) => address.replace(/^(..)/, '$1\n'),
  (address) => address.replace(/^(..)/, '$1\u0000'),
  (address) => `\u0001${address}`,
  (address) => `\u00a0\u200b${address}`,
  (address) => `&#1;${address}`,
  (address) => encodeURIComponent(address),
  (address) => address.replace('j', '%6a').replace('d', '%64'),
  (address) => address.replace(':', '\uff1a'),
  (address) => address.replace(/^./, (first) => `\\${first}`),
  (address) => address.replace('a', '\u0430'),
]

/** Where an address stands. */
const PLACES: readonly ((address: string) => string)[] = [
  (address) => `[click](${address})`,
  (address) => `[click](<${address}> "title")`,
  (address) => `![picture](${address})`,
  (address) => `<${address}>`,
  (address) => `[click][1]\n\n[1]: ${address} 'title'`,
  (address) => `![picture][a]\n\n[a]: <${address}>`,
  (address) => `[![picture](${address})](${address})`,
  (address) => `see ${address} and www.${address}`,
  (address) => `<a href="${address}">x</a>`,
  (address) => `<iframe src='${address}'></iframe>`,
]

function* addresses(): Generator<Payload> {
  for (const address of ADDRESSES)
    for (const disguise of DISGUISES) for (const place of PLACES) yield { kind: 'address', text: place(disguise(address)) }
}

/** Where a piece of HTML stands in Markdown. */
const AROUND: readonly ((html: string) => string)[] = [
  (html) => html,
  (html) => `> - 1. ${html}`,
  (html) => `| a | b |\n|---|---|\n| ${html} | x |`,
  (html) => `\`\`\`${html}\n${html}\n\`\`\``,
  (html) => `# ${html}\n\n${html}\n===`,
  (html) => `[${html}](https://evil.invalid/${html} "${html}")`,
  (html) => `![${html}](https://evil.invalid/x.png '${html}')`,
  (html) => `**${html}** _${html}_ ~~${html}~~ \`${html}\``,
  (html) => entity(html, (code) => `&#${code};`),
  (html) => html.replace('<', '<\u0000'),
  (html) => html.replaceAll('<', '\uff1c').replaceAll('>', '\uff1e'),
  (html) => `- [ ] ${html}\n- [x] ${html}`,
]

function* pieces(kind: string, list: readonly string[]): Generator<Payload> {
  for (const html of list) for (const around of AROUND) yield { kind, text: around(html) }
}

/** The same at each call. */
export function allPayloads(): readonly Payload[] {
  return [
    ...handlers(),
    ...addresses(),
    ...pieces('element', WHOLE_ELEMENTS),
    ...pieces('svg and math', SVG_AND_MATH),
    ...pieces('mutation', MUTATING),
    ...pieces('clobbering', CLOBBERING),
    ...pieces('style', STYLES),
    ...pieces('fetching', FETCHING),
    ...MARKDOWN.map((text) => ({ kind: 'markdown', text })),
    ...pieces('controls', CONTROLS),
  ]
}
