/** The handles of a rendered text's images, where their sizes can be changed; fetched with the first image. */
import { type RefObject, useEffect, useRef } from 'react'
import type { ImageResize } from '#editor/image-handles'

export type OnImageResize = (resize: ImageResize) => void

/** @param html what is rendered in the place */
export function useImageHandles(place: RefObject<HTMLElement | null>, html: string, onResize: OnImageResize | undefined): void {
  const current = useRef(onResize)
  const wanted = useRef<number>(undefined)
  useEffect(() => {
    current.current = onResize
  })
  const active = onResize !== undefined && html.includes('data-image')
  // biome-ignore lint/correctness/useExhaustiveDependencies: another HTML has other images
  useEffect(() => {
    if (!active) return
    let detach: (() => void) | undefined
    let ended = false
    void import('#editor/image-handles').then(({ attachImageHandles }) => {
      const { current: element } = place
      if (ended || element === null) return
      const onResize = (resize: ImageResize) => {
        wanted.current = resize.hadFocus ? resize.index : undefined
        current.current?.(resize)
      }
      detach = attachImageHandles(element, { onResize, focus: wanted.current })
      wanted.current = undefined
    })
    return () => {
      ended = true
      detach?.()
    }
  }, [active, html, place])
}
