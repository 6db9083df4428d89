/** A clause as the packages write their messages, "there is a space …", as a sentence of the interface. */
export function sentence(clause: string): string {
  // Not where a name or an address comes first: those are written as they are. One at the end is copied.
  const begun = /^\p{Ll}+(?=[,;:]?(?:\s|$))/u.test(clause) ? clause.charAt(0).toUpperCase() + clause.slice(1) : clause
  return begun === '' || /[.!?…]$|https?:\S+$/.test(begun) ? begun : `${begun}.`
}
