/** Як en-images.ts. */
import { number } from '#strings/plural-uk'

export const image = {
  width: (alt: string) => (alt === '' ? 'Ширина зображення' : `Ширина зображення «${alt}»`),
  pixels: (n: number) => `${number(n)} пікс.`,
  own: (n: number) => `${number(n)} пікс., власний розмір`,
  hint: 'Потягніть або користуйтеся стрілками. Delete чи подвійне клацання повертає власний розмір.',
  cannot: 'Розмір цього зображення тут не можна записати в нотатку: змініть сам текст.',
}
