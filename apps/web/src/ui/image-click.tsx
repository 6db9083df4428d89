/** An image is fetched once somebody allows its host: by its button within a text. */
import type { MouseEvent } from 'react'
import { allowImageHost } from '#local/image-hosts'

export function onImageClick({ target }: MouseEvent): void {
  const host = target instanceof Element ? target.closest<HTMLElement>('.blocked-image')?.dataset['host'] : undefined
  if (host !== undefined) allowImageHost(host)
}
