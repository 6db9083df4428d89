/** The README tells every command and every option: its list of them is made from the program's own help. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from '#cli'
import { fakeIo } from './support/run.ts'

const README = new URL('../README.md', import.meta.url)
const [BEGIN, END] = ['<!-- commands -->\n', '<!-- /commands -->']

function commands(command: Command, path: string): [string, Command][] {
  const below = command.commands.filter((one) => one.name() !== 'help')
  return below.length === 0 ? [[path, command]] : below.flatMap((one) => commands(one, `${path} ${one.name()}`))
}

function reference(): string {
  const lines = commands(createProgram(fakeIo()), 'lockstep').flatMap(([path, command]) => {
    const args = command.registeredArguments
      .map((argument) => {
        const name = argument.name() + (argument.variadic ? '...' : '')
        return argument.required ? ` <${name}>` : ` [${name}]`
      })
      .join('')
    return [
      `- \`${path}${args}\`: ${command.description()}`,
      ...command.options.map(
        ({ flags, description, mandatory }) => `  - \`${flags}\`: ${description}${mandatory ? ' (required)' : ''}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}

it('lists the commands and options that there are, no others', async () => {
  const readme = await readFile(README, 'utf8')
  const [from, to] = [readme.indexOf(BEGIN) + BEGIN.length, readme.indexOf(END)]
  expect(from).toBeGreaterThan(BEGIN.length)
  if (process.env['LOCKSTEP_UPDATE_README'] === '1') await writeFile(README, readme.slice(0, from) + reference() + readme.slice(to))
  else expect(readme.slice(from, to)).toBe(reference())
})

it('names no command that does not exist', async () => {
  const known = commands(createProgram(fakeIo()), 'lockstep').map(([path]) => path)
  const readme = await readFile(README, 'utf8')
  const named = [...readme.matchAll(/^(?:- `|)(lockstep [a-z-]+(?: (?:[a-z-]+))?)/gm)].map(([, name]) => String(name))
  expect(named.length).toBeGreaterThan(known.length)
  expect(named.filter((name) => !known.some((path) => name === path || name.startsWith(`${path} `)))).toEqual([])
})
