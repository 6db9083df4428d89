/** `lockstep diff publish|published|unpublish|read`: public links. */
import { createNodeHttp } from '@lockstep/engine/platform/node/http'
import { readLink, readPublished } from '@lockstep/engine/published'
import { listPublications, type Publication, publishDiff, unpublish } from '@lockstep/model/publications'
import { printShareLink } from '@lockstep/protocol/share'
import type { Command } from 'commander'
import { requireSession } from '#commands/device'
import { onRun } from '#context'
import { type GateOptions, gateOptions } from '#gate'
import type { Io } from '#io'
import { localTime, table } from '#table'

const toJson = (publication: Publication) => {
  const { id, diffId, title, date, publishedAt } = publication
  return { id, diffId, title, date, link: printShareLink(publication), publishedAt }
}

/** `diff`: the group that these are commands of. */
export function publishCommands(diff: Command, io: Io): void {
  const publish = diff
    .command('publish')
    .argument('<id>')
    .description('print a link under which anyone can read a diff; the server cannot, because the key is in the link alone')
  onRun<GateOptions>(gateOptions(publish), io, async (context, [id = ''], options) => {
    const publication = await context.withServer(options, (device) => {
      requireSession(device)
      return publishDiff(device.vault, device.sharing, { diff: id, now: context.now })
    })
    context.out.result(toJson(publication), () => printShareLink(publication))
  })

  onRun(diff.command('published').description('list public links, those of deleted diffs, too'), io, async (context) => {
    const all = (await context.withVault(listPublications)).map(toJson)
    context.out.result(all, () =>
      table(
        ['DATE', 'PUBLISHED', 'TITLE', 'LINK'],
        all.map(({ date, publishedAt, title, link }) => [
          date,
          publishedAt === null ? 'perhaps' : localTime(publishedAt),
          title,
          link,
        ]),
        'Nothing is published. Do it with: lockstep diff publish ID',
      ),
    )
  })

  const takeBack = diff
    .command('unpublish')
    .argument('<id>', 'of the diff, or the link')
    .description('take back what is published: the link leads nowhere from then on')
  onRun<GateOptions>(gateOptions(takeBack), io, async (context, [given = ''], options) => {
    const id = given.includes('/') ? readLink(given).id : given
    const gone = await context.withServer(options, (device) => {
      requireSession(device)
      return unpublish(device.vault, device.sharing, id)
    })
    context.out.done({ unpublished: gone.map(({ id }) => id) }, () =>
      gone.length === 1 ? 'Taken back: the link leads nowhere now.' : `Taken back: ${gone.length} links lead nowhere now.`,
    )
  })

  const read = diff
    .command('read')
    .argument('<link>', 'as diff publish prints it')
    .description('print what is published under a link')
  onRun(read, io, async (context, [given = '']) => {
    const link = readLink(given)
    const { http, close } = createNodeHttp()
    try {
      const found = await readPublished(http, link)
      if (context.out.json) context.out.result(found, () => '')
      else context.out.raw(found.text)
    } finally {
      close()
    }
  })
}
