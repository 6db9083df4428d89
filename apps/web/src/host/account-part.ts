import { loadPart } from '#loading/load-part'

/** What the host needs for an account, in a file of its own: most first visits never load it. @throws an error of code `part-missing` */
export const accountPart = () => loadPart(() => import('#host/account'))
