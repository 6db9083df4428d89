/** A long list in a place that scrolls: only what is in sight, and a little around it, is on the page. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, type RefObject, useLayoutEffect, useRef, useState } from 'react'

interface RowsProps<T> {
  readonly items: readonly T[]
  readonly keyOf: (item: T) => string
  /** About so high. Pixels. */
  readonly heightOf: (item: T) => number
  readonly children: (item: T) => ReactNode
  readonly scroller: RefObject<HTMLElement | null>
  /** How far down it begins. Pixels. */
  readonly top?: number
}

export function Rows<T>({ items, keyOf, heightOf, children, scroller, top = 0 }: RowsProps<T>) {
  const list = useRef<HTMLOListElement>(null)
  const [above, setAbove] = useState(0)
  // What stands above the list may grow and shrink.
  useLayoutEffect(() => {
    const measure = () => setAbove(list.current?.offsetTop ?? 0)
    measure()
    const observer = new ResizeObserver(measure)
    if (scroller.current !== null) for (const element of scroller.current.children) observer.observe(element)
    return () => observer.disconnect()
  }, [scroller])
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => heightOf(items[i] as T),
    getItemKey: (i) => keyOf(items[i] as T),
    scrollMargin: above,
    initialOffset: top,
    overscan: 10,
  })
  return (
    <ol className="rows" ref={list} style={{ height: virtualizer.getTotalSize() }}>
      {virtualizer.getVirtualItems().map(({ index, key, start }) => (
        <li
          key={key}
          data-index={index}
          ref={virtualizer.measureElement}
          style={{ transform: `translateY(${start - above}px)` }}
          aria-setsize={items.length}
          aria-posinset={index + 1}
        >
          {children(items[index] as T)}
        </li>
      ))}
    </ol>
  )
}
