/**
 * The sentences that packages tell people in English, read out of their source: `{}` stands for what is put into them. Seen is what stands
 * in the file that says it, as a text or a constant; what comes from a parameter or from another file is not.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { type SyntaxNode, walkTree } from '../../../tests/support/syntax-tree.ts'

export interface Message {
  /** An error, a warning of the engine, or what an import did not take and why. */
  readonly kind: 'error' | 'warning' | 'refusal'
  /** The code of an error; of those that have one of two, with `|` between. */
  readonly code: string
  readonly text: string
  readonly file: string
}

/** Of those the code comes first, of others the message. */
const ERRORS = /^(?:Engine|Model|Import|Driver)Error$/

const nameOf = (node: unknown) => String((node as SyntaxNode | undefined)?.['name'] ?? '')

/** All texts that an expression may give, with the values of the file's constants; none where it is not known here. */
function textsOf(node: unknown, constants: ReadonlyMap<string, readonly SyntaxNode[]>, depth = 0): readonly string[] {
  const { type, ...fields } = (node ?? {}) as SyntaxNode
  const of = (child: unknown) => textsOf(child, constants, depth + 1)
  if (depth > 4) return []
  if (type === 'Literal') return typeof fields['value'] === 'string' ? [fields['value']] : []
  // One side may come from somewhere else.
  const either = (sides: readonly (readonly string[])[]) =>
    sides.every((side) => side.length === 0) ? [] : sides.flatMap((side) => (side.length === 0 ? ['{}'] : side))
  if (type === 'ConditionalExpression') return either([of(fields['consequent']), of(fields['alternate'])])
  if (type === 'LogicalExpression') return either([of(fields['left']), of(fields['right'])])
  if (type === 'Identifier') return (constants.get(nameOf(node)) ?? []).flatMap(of)
  if (type !== 'TemplateLiteral') return []
  let texts: readonly string[] = ['']
  const expressions = fields['expressions'] as readonly unknown[]
  for (const [i, quasi] of (fields['quasis'] as readonly { readonly value: { readonly cooked: string } }[]).entries()) {
    texts = texts.map((text) => text + quasi.value.cooked)
    if (i === expressions.length) break
    const inner = of(expressions[i])
    texts = texts.flatMap((text) => (inner.length === 0 ? [`${text}{}`] : inner.map((one) => text + one)))
  }
  return texts
}

function messagesIn(file: string): Message[] {
  const ast = parseAst(readFileSync(file, 'utf8'), { lang: 'ts' })
  const constants = new Map<string, SyntaxNode[]>()
  walkTree(ast, ({ type, id, init }) => {
    if (type === 'VariableDeclarator' && init !== null)
      constants.set(nameOf(id), [...(constants.get(nameOf(id)) ?? []), init as SyntaxNode])
  })
  const found: Message[] = []
  const add = (kind: Message['kind'], code: string, node: unknown) => {
    for (const text of new Set(textsOf(node, constants))) if (text !== '{}') found.push({ kind, code, text, file })
  }
  walkTree(ast, ({ type, id, body, callee, arguments: args, key, value, operator, left, right }) => {
    const given = args as readonly unknown[]
    // A warning's code and its words.
    if (type === 'FunctionDeclaration' && nameOf(id) === 'describe') {
      walkTree(body, (node) => {
        const { elements } = (node['argument'] ?? {}) as SyntaxNode
        if (node.type === 'ReturnStatement' && Array.isArray(elements)) add('warning', '', elements[1])
      })
    }
    if (type === 'FunctionDeclaration' && /^(?:problem|reason)Of$/.test(nameOf(id))) {
      walkTree(body, (node) => node.type === 'ReturnStatement' && add('refusal', '', node['argument']))
    }
    if (type === 'NewExpression' && ERRORS.test(nameOf(callee))) add('error', textsOf(given[0], constants).join('|'), given[1])
    if (type === 'NewExpression' && /^(?:Error|LogMismatch)$/.test(nameOf(callee))) add('error', '', given[0])
    if (type === 'CallExpression') {
      if ((callee as SyntaxNode).type === 'Super') {
        const [first = ''] = textsOf(given[0], constants)
        if (textsOf(given[1], constants).length > 0) add('error', first, given[1])
        // Not a code whose message comes from outside.
        else if (first.includes(' ')) add('error', '', given[0])
      }
      const { property, object } = callee as SyntaxNode
      const called = nameOf(property) || nameOf(callee)
      if (/^#?report$/.test(called) && given.length === 3) add('warning', '', given[2])
      if (called === 'refuse') add('refusal', '', given[0])
      const isRefusals = /refusals$/i.test(nameOf(object) || nameOf((object as SyntaxNode | undefined)?.['property']))
      if (called === 'add' && isRefusals) for (const node of given) add('refusal', '', node)
    }
    if (type === 'Property' && nameOf(key) === 'reason') add('refusal', '', value)
    const isReason = nameOf((left as SyntaxNode | undefined)?.['property']) === 'reason'
    if (type === 'AssignmentExpression' && isReason && operator === '??=') add('refusal', '', right)
  })
  return found
}

/** @param leftOut files that are not read */
export function messagesInSource(folders: readonly string[], leftOut: RegExp): Message[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !leftOut.test(name))
      .flatMap((name) => messagesIn(join(folder, name))),
  )
}
