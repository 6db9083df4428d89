/**
 * A handle at the corner of each image in a rendered text: pulled, or moved by the arrows, it makes the image as wide as a person
 * wants it. An image that has not come yet, or never comes, has none.
 */
import { t } from '#strings/strings'
import { type ImageSize, LEAST_WIDTH } from '#text/image-size'

/** Pixels. */
const STEP = 16
const LONG_STEP = 64
/** Keys that follow each other sooner are one change. Milliseconds. */
const REST = 600

export interface ImageResize {
  /** The image's place among all images of the text. */
  readonly index: number
  /** Undefined for the image's own size. */
  readonly size: ImageSize | undefined
  /** Its handle has the focus, and is to have it again where the text is rendered anew. */
  readonly hadFocus: boolean
}

type OnResize = (resize: ImageResize) => void

interface HandlesOptions {
  readonly onResize: OnResize
  /** The image whose handle has the focus as soon as it is there, if nothing else has it then. */
  readonly focus: number | undefined
}

/** @returns removes them, and hands over what is not handed over yet */
export function attachImageHandles(place: HTMLElement, { onResize, focus }: HandlesOptions): () => void {
  const removers = [...place.querySelectorAll<HTMLImageElement>('img[data-image]')].map((image) => {
    let remove: (() => void) | undefined
    const onLoad = () => {
      if (remove !== undefined) return
      const { handle, detach } = attach(image, onResize)
      remove = detach
      if (Number(image.dataset['image']) === focus && document.activeElement === document.body)
        handle.focus({ preventScroll: true })
    }
    if (image.complete && image.naturalWidth > 0) onLoad()
    else image.addEventListener('load', onLoad, { once: true })
    return () => {
      image.removeEventListener('load', onLoad)
      remove?.()
    }
  })
  return () => {
    for (const remove of removers) remove()
  }
}

function attach(image: HTMLImageElement, onResize: OnResize): { readonly handle: HTMLElement; detach(): void } {
  const frame = image.parentElement as HTMLElement
  const index = Number(image.dataset['image'])
  const handle = document.createElement('span')
  const ended = new AbortController()
  const { signal } = ended
  const before = { width: image.getAttribute('width'), height: image.getAttribute('height') }
  let waiting: ReturnType<typeof setTimeout> | undefined
  let own = before.width === null

  const most = () => Math.max(LEAST_WIDTH, frame.parentElement?.clientWidth ?? 0)
  const shown = () => Math.round(image.getBoundingClientRect().width)
  function say(width: number): void {
    handle.setAttribute('aria-valuemin', `${LEAST_WIDTH}`)
    handle.setAttribute('aria-valuemax', `${Math.max(most(), width)}`)
    handle.setAttribute('aria-valuenow', `${width}`)
    handle.setAttribute('aria-valuetext', own ? t.image.own(width) : t.image.pixels(width))
  }
  function show(width: number): void {
    const clamped = Math.round(Math.min(most(), Math.max(LEAST_WIDTH, width)))
    own = false
    image.setAttribute('width', `${clamped}`)
    image.setAttribute('height', `${Math.max(1, Math.round((clamped * image.naturalHeight) / image.naturalWidth))}`)
    say(clamped)
  }
  function showOwn(): void {
    own = true
    image.removeAttribute('width')
    image.removeAttribute('height')
    say(shown())
  }
  function showAsBefore(): void {
    for (const [name, value] of Object.entries(before)) {
      if (value === null) image.removeAttribute(name)
      else image.setAttribute(name, value)
    }
    own = before.width === null
    say(shown())
  }
  function handOver(hadFocus: boolean): void {
    clearTimeout(waiting)
    waiting = undefined
    const [width, height] = [image.getAttribute('width'), image.getAttribute('height')]
    if (width === before.width && height === before.height) return
    before.width = width
    before.height = height
    onResize({ index, size: own ? undefined : { width: Number(width), height: Number(height) }, hadFocus })
  }

  handle.className = 'image-handle'
  handle.tabIndex = 0
  handle.role = 'slider'
  handle.ariaLabel = t.image.width(image.alt)
  handle.title = t.image.hint
  say(shown())
  handle.addEventListener('pointerdown', (down) => pull(down), { signal })
  handle.addEventListener(
    'dblclick',
    () => {
      showOwn()
      handOver(true)
    },
    { signal },
  )
  handle.addEventListener('keydown', (press) => onKey(press), { signal })
  handle.addEventListener('blur', () => waiting !== undefined && handOver(false), { signal })
  frame.append(handle)

  function pull(down: PointerEvent): void {
    if (down.button !== 0) return
    down.preventDefault()
    handle.focus({ preventScroll: true })
    handle.setPointerCapture(down.pointerId)
    frame.classList.add('pulled')
    const start = shown()
    const pulling = new AbortController()
    const on = { signal: AbortSignal.any([signal, pulling.signal]) }
    const end = (keep: boolean) => {
      pulling.abort()
      frame.classList.remove('pulled')
      if (keep) handOver(true)
      else showAsBefore()
    }
    handle.addEventListener('pointermove', ({ clientX }) => clientX !== down.clientX && show(start + clientX - down.clientX), on)
    handle.addEventListener('pointerup', () => end(true), on)
    handle.addEventListener('pointercancel', () => end(false), on)
    handle.addEventListener('keydown', ({ key }) => key === 'Escape' && end(false), on)
  }
  function onKey(press: KeyboardEvent): void {
    const { key, ctrlKey, altKey, metaKey } = press
    if (ctrlKey || altKey || metaKey) return
    const width = shown()
    const to: Readonly<Record<string, number>> = {
      ArrowRight: width + STEP,
      ArrowUp: width + STEP,
      ArrowLeft: width - STEP,
      ArrowDown: width - STEP,
      PageUp: width + LONG_STEP,
      PageDown: width - LONG_STEP,
      Home: LEAST_WIDTH,
      End: most(),
    }
    const next = to[key]
    if (next !== undefined) show(next)
    else if (key === 'Delete' || key === 'Backspace') showOwn()
    else return
    press.preventDefault()
    press.stopPropagation()
    clearTimeout(waiting)
    waiting = setTimeout(() => handOver(true), REST)
  }
  return {
    handle,
    detach() {
      if (waiting !== undefined) handOver(true)
      ended.abort()
      handle.remove()
    },
  }
}
