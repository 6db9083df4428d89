/** A space's picture: its emoji or letters, on a colour that follows from its name. */
import { avatarSigns } from '#text/avatar-signs'

const HUES = [174, 210, 262, 330, 18, 44, 96, 140]

function hueOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973
  return HUES[sum % HUES.length] as number
}

export function Avatar({ name, avatar }: { readonly name: string; readonly avatar: string | null }) {
  // A picture of its own may be two letters; of a name the first is taken.
  const shown = avatarSigns(avatar ?? name, avatar === null ? 1 : 2) || '?'
  return (
    <span className="avatar" aria-hidden="true" style={{ '--hue': hueOf(name) } as React.CSSProperties}>
      {shown.toLocaleUpperCase()}
    </span>
  )
}
