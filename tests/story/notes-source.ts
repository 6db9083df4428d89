/** The story's input: real notes where they are beside the repository, else made-up ones of the same shape. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { shared } from '../support/optional.ts'
import { Random, seeds } from '../support/random.ts'

const WORDS =
  'garden window river quiet compass lantern whisper meadow copper thunder velvet harbour marble orchard candle feather granite pepper saddle tunnel autumn bridge carpet donkey engine forest'.split(
    ' ',
  )

/** A folder of Markdown files; what is made up goes into `scratch`. */
export async function notesSource(scratch: string): Promise<string> {
  const real = shared('data/til')
  if (real !== undefined) return real
  const [seed = 0] = seeds("the story's made-up notes", 1)
  const random = new Random(seed)
  const sentence = () => `${Array.from({ length: 4 + random.below(12) }, () => random.pick(WORDS)).join(' ')}.`
  const folder = join(scratch, 'til')
  for (let i = 0; i < 300; i++) {
    const name = `${random.pick(WORDS)}-${i}`
    const path = join(
      folder,
      random.pick(['gardening', 'workshop', 'travels', 'kitchen']),
      ...(random.chance(0.2) ? ['deeper'] : []),
      `${name}.md`,
    )
    const paragraphs = Array.from({ length: 1 + random.below(6) }, sentence)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `# ${name} ${sentence()}\n\n${paragraphs.join('\n\n')}${random.chance(0.8) ? '\n' : ''}`)
  }
  await writeFile(join(folder, 'LICENSE'), 'Not a note.\n')
  return folder
}

/** Path → bytes as Latin-1, of every file below a folder. */
export async function filesBelow(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(path.slice(folder.length + 1), (await readFile(path)).toString('latin1'))
  }
  return found
}
