/**
 * How a benchmark says what it found. A question has figures; a figure may have a goal, and a limit that was measured
 * in the same run on the same data: what the machine could do if nothing else had to be done. Repeated runs give medians.
 */
import { parseArgs } from 'node:util'

export interface Figure {
  readonly label: string
  readonly value: number
  readonly unit: string
  /** Which way is good. */
  readonly better: 'more' | 'less'
  readonly goal?: number
  /** The baseline of the same run. */
  readonly limit?: { readonly label: string; readonly value: number }
}

export interface Question {
  readonly title: string
  /** The command that repeats it. */
  readonly command: string
  readonly figures: readonly Figure[]
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? Number.NaN
}

/** Median of each figure over runs of the same question, limits too. */
function mergeRuns(runs: readonly (readonly Figure[])[]): Figure[] {
  return (runs[0] ?? []).map((figure, i) => {
    const same = runs.flatMap((run) => run[i] ?? [])
    const limit = figure.limit && { label: figure.limit.label, value: median(same.map((one) => one.limit?.value ?? Number.NaN)) }
    return { ...figure, value: median(same.map(({ value }) => value)), ...(limit && { limit }) }
  })
}

function show(value: number): string {
  if (Number.isNaN(value)) return '-'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ')
  return value.toFixed(Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2)
}

function goalText({ goal, better, value }: Figure): string {
  if (goal === undefined) return ''
  const met = better === 'more' ? value >= goal : value <= goal
  const factor = better === 'more' ? goal / value : value / goal
  return `${better === 'more' ? '≥' : '≤'} ${show(goal)} ${met ? 'met' : `missed ${factor.toFixed(2)}×`}`
}

function limitText({ limit, value, better }: Figure): string {
  if (limit === undefined) return ''
  const factor = better === 'more' ? limit.value / value : value / limit.value
  const distance = factor < 1 ? `${(1 / factor).toFixed(2)}× better` : `${factor.toFixed(2)}× off`
  // Nothing is so many times as much as none.
  return `${show(limit.value)} ${limit.label}${Number.isFinite(factor) ? `: ${distance}` : ''}`
}

/** A Markdown table, aligned so that it also reads in a terminal. */
export function formatTable(questions: readonly Question[]): string {
  const rows = [['question', 'figure', 'median', 'goal', 'limit of this machine, same run']]
  for (const { title, figures } of questions) {
    figures.forEach((figure, i) => {
      rows.push([i === 0 ? title : '', figure.label, `${show(figure.value)} ${figure.unit}`, goalText(figure), limitText(figure)])
    })
  }
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => [...(row[column] as string)].length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell + ' '.repeat((widths[i] as number) - [...cell].length)).join(' | ')} |`
  const [head, ...body] = rows as [string[], ...string[][]]
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n')
}

type Numbers = Readonly<Record<string, number>>

/**
 * Runs a question from the command line. Its numbers are options (`--notes 100000`); `--repeat 3` gives medians,
 * `--json` the question as one line for `all.ts`.
 */
export async function ask<N extends Numbers>(options: {
  readonly title: (numbers: N) => string
  readonly file: string
  readonly numbers: N
  readonly run: (numbers: N) => Promise<Figure[]>
}): Promise<void> {
  const names = Object.keys(options.numbers)
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      repeat: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  })
  const numbers = { ...options.numbers }
  for (const name of names) {
    const given = (values as Record<string, unknown>)[name]
    if (given !== undefined) (numbers as Record<string, number>)[name] = Number(given)
  }
  const runs: Figure[][] = []
  for (let i = 0; i < Number(values['repeat']); i++) runs.push(await options.run(numbers))
  const flags = names.map((name) => ` --${name} ${numbers[name]}`).join('')
  const question: Question = {
    title: options.title(numbers),
    command: `node bench/${options.file}${flags}`,
    figures: mergeRuns(runs),
  }
  process.stdout.write(values['json'] ? `${JSON.stringify(question)}\n` : `${formatTable([question])}\n`)
}
