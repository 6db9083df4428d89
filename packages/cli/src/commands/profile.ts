/** `lockstep profile …` */
import { editProfile, INTERESTS, type Profile, readProfile } from '@lockstep/model/profile'
import { Option } from 'commander'
import { profilesCommands } from '#commands/profiles'
import { type CommandGroup, onRun } from '#context'
import { CliError } from '#errors'
import { dropLineEnd, readStdin } from '#input'
import { printable } from '#table'

interface SetOptions {
  readonly name?: string
  readonly languages?: string[]
  readonly frameworks?: string[]
  readonly tools?: string[]
  readonly topics?: string[]
  readonly depth?: string
  readonly customFocus?: string
  readonly apiKey?: string
  readonly removeApiKey?: string
}

const commaList = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

function describe({ name, depth, customFocus, apiKeys, ...lists }: Omit<Profile, 'source'>): string {
  const lines: [string, string][] = [
    ['Name', name],
    ...INTERESTS.map((interest): [string, string] => [
      interest.slice(0, 1).toUpperCase() + interest.slice(1),
      lists[interest].join(', '),
    ]),
    ['Depth', depth],
    ['Custom focus', customFocus],
    ['API keys', apiKeys.map(({ provider }) => provider).join(', ')],
  ]
  return lines.map(([label, value]) => `${label.padEnd(13)} ${printable(value)}`.trimEnd()).join('\n')
}

export const profileCommands: CommandGroup = (program, io) => {
  const profile = program.command('profile').description('profiles: each a vault of its own, with what its diffs are made for')
  profilesCommands(profile, io)

  const show = profile.command('show').option('--keys', 'with the API keys themselves (JSON only)').description('print the profile')
  onRun<{ keys?: boolean }>(show, io, async (context, _, { keys }) => {
    // What an importer remembers is nobody else's business.
    const { source: _source, ...found } = await context.withVault(readProfile)
    const apiKeys = found.apiKeys.map(({ provider, key, updatedAt }) => ({ provider, updatedAt, ...(keys === true && { key }) }))
    context.out.result({ ...found, apiKeys }, () => describe(found))
  })

  const set = profile
    .command('set')
    .option('--name <name>', 'your name')
    .option('--depth <depth>', 'how deep diffs go, for instance quick, standard or deep')
    .option('--custom-focus <text>', 'what else to look at')
    .addOption(new Option('--api-key <provider>', "store this provider's API key, read from standard input"))
    .option('--remove-api-key <provider>', "forget this provider's API key")
    .description('change what is given; a list is given whole, with commas')
  for (const interest of INTERESTS) set.option(`--${interest} <list>`, `${interest}, with commas between`, commaList)
  onRun<SetOptions>(set, io, async (context, _, { apiKey, removeApiKey, ...edit }) => {
    const apiKeys: Record<string, string | null> = {}
    if (apiKey !== undefined) {
      const key = dropLineEnd(await readStdin(io))
      if (key === '') throw new CliError('bad-usage', 'there is no API key on standard input')
      apiKeys[apiKey] = key
    }
    if (removeApiKey !== undefined) apiKeys[removeApiKey] = null
    if (Object.keys(edit).length + Object.keys(apiKeys).length === 0) {
      throw new CliError('bad-usage', 'there is nothing to set: see lockstep profile set --help')
    }
    const changed = await context.withVault((vault) => editProfile(vault, { ...edit, apiKeys, now: context.now }))
    context.out.done({ changed }, () => (changed ? 'Saved.' : 'Nothing has changed.'))
  })
}
