/** A program's syntax tree as vite's parser gives it (ESTree), for tests that look for something in source. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** Calls `visit` for a node and for all that are below it, each before its own. */
export function walkTree(tree: unknown, visit: (node: SyntaxNode) => void): void {
  if (typeof tree !== 'object' || tree === null) return
  if ('type' in tree) visit(tree as SyntaxNode)
  for (const child of Object.values(tree)) walkTree(child, visit)
}
