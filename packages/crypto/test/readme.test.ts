import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test("[KEY-4] [ENV-1] the README's example runs as it stands and prints what it says", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const promised = /console\.log\(.*\/\/ (.*)$/m.exec(code)?.[1]
  expect(promised).toBe('a note 32 337')
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const printed = execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', code], { cwd, encoding: 'utf8' })
  expect(printed.trim()).toBe(promised)
})
