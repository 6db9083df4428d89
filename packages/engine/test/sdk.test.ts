import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { runningServer } from '../../../tests/support/running-server.ts'
import { temporaryFolder } from './support/vaults.ts'

test('the program in docs/sdk.md runs as it stands and prints what it says', async () => {
  const page = readFileSync(new URL('../../../docs/sdk.md', import.meta.url), 'utf8')
  const code = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, example]) => example).join('\n')
  const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].flatMap(([, output]) =>
    (output as string).split(', then '),
  )
  const { url } = await runningServer()
  const folder = temporaryFolder()
  const program = code
    .replace('http://127.0.0.1:8787', url)
    .replace("'my-tasks'", JSON.stringify(join(folder, 'tasks')))
    .replace("'my-phone'", JSON.stringify(join(folder, 'phone')))
  expect(program).toContain(folder)
  expect(promised).toHaveLength(12)
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    cwd,
  })
  expect(stdout.trim().split('\n')).toEqual(promised)
  expect(stderr).toBe('')
})
