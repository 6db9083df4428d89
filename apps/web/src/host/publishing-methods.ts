/** What a tab may ask about public links. */
import type { Publication } from '@lockstep/model/publications'
import { accountPart } from '#host/account-part'
import type { WebHome } from '#host/home'

export interface ShownPublication extends Omit<Publication, 'server' | 'key'> {
  /** To be handed on: whoever has it can read what is published. */
  readonly link: string
}

export function publishingMethods(home: WebHome) {
  return {
    /** The last published first. */
    publications: async (): Promise<ShownPublication[]> => (await accountPart()).publications(home.vault),
    /** Asked again it is published again, under the same link. */
    publishDiff: async (diff: string, now: number) => (await accountPart()).publishDiff(await home.device(), { diff, now }),
    /** What is gone already is where it should be. @param id of the share */
    unpublish: async (id: string) => (await accountPart()).unpublish(await home.device(), id),
  }
}
