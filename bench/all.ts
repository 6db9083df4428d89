/**
 * Asks every question, each in processes of its own, and prints one table with the commands to repeat its parts.
 *
 *     node bench/all.ts              each once, about ten minutes
 *     node bench/all.ts --repeat 3   medians of three
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatTable, type Question } from './support/report.ts'

const QUESTIONS = [
  'machine.ts',
  'fresh-device.ts --notes 100000',
  'fresh-device.ts --notes 300000',
  'first-upload.ts --notes 50000',
  'reconnect.ts --rows 10000',
  'reconnect.ts --rows 1000000',
  'one-edit.ts --notes 100000',
  'live.ts --edits 1000',
  'server.ts --devices 64 --live 1000',
  'push-cost.ts --replicas 20 --pushes 20000',
  'storage.ts --notes 20000',
  'search.ts --notes 100000',
  'long-life.ts --edits 50000 --notes 500',
  'daily.ts --edits 5000 --notes 1000',
  'wipe.ts --notes 20000',
  'push-cost.ts --replicas 1',
  'push-cost.ts --replicas 20',
  'backup.ts --megabytes 1000 --segment 4000',
  'difflog.ts --clients 16 --diffs 50',
  'dataans.ts --operations 1000 --megabytes 0',
  'dataans.ts --operations 10000 --megabytes 0',
  'dataans.ts --operations 100000 --megabytes 1000',
  'import.ts --operations 100000',
  'web-reading.ts --kilobytes 200',
  'web.ts --notes 100000',
]

const { values } = parseArgs({ options: { repeat: { type: 'string', default: '1' } } })
const load = () => loadavg().map((value) => value.toFixed(1))[0]
const answers: Question[] = []
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`)
for (const question of QUESTIONS) {
  const [file, ...flags] = question.split(' ') as [string, ...string[]]
  console.error(`${question}: the machine's load is ${load()}`)
  const args = [join(import.meta.dirname, file), ...flags, '--repeat', values.repeat, '--json']
  try {
    answers.push(
      JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as Question,
    )
  } catch {
    // What a question had to say is on the error output; the others are asked all the same.
    process.exitCode = 1
  }
}
console.log(formatTable(answers))
console.log(answers.map(({ title, command }) => `${title}: \`${command}\``).join('\n'))
