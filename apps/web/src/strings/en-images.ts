/** What people read and hear at images whose width they may change. */
export const image = {
  width: (alt: string) => (alt === '' ? 'Width of the image' : `Width of the image “${alt}”`),
  pixels: (n: number) => `${n} pixels`,
  own: (n: number) => `${n} pixels, its own size`,
  hint: 'Pull, or use the arrow keys. Delete or a double click gives it its own size.',
  cannot: 'This image’s size cannot be written into the note here: edit the text instead.',
}
