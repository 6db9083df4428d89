/** What a space's picture shows of what was written for it: one emoji, or up to two letters. */
export function avatarSigns(text: string, most = 2): string {
  const signs = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment).filter((sign) => sign.trim() !== '')
  const [first = ''] = signs
  return /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(first) ? first : signs.slice(0, most).join('')
}
