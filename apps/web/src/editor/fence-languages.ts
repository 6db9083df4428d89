/** After the three signs that begin a block of code: the languages that are shown in colours. */
import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { syntaxTree } from '@codemirror/language'

const OPENING = /^[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*(?:`{3,}|~{3,})([\w+#.-]*)$/

export async function completeLanguage({ state, pos }: CompletionContext): Promise<CompletionResult | null> {
  const line = state.doc.lineAt(pos)
  const [, typed] = OPENING.exec(state.sliceDoc(line.from, pos)) ?? []
  if (typed === undefined) return null
  for (let node = syntaxTree(state).resolveInner(pos, -1); ; ) {
    // The signs end a block that began on an earlier line.
    if (node.name === 'FencedCode' && node.from < line.from) return null
    if (node.parent === null) break
    node = node.parent
  }
  const { languages } = await import('#text/highlight')
  return {
    from: pos - typed.length,
    options: languages().map(({ name, of }) => ({ label: name, ...(of !== name && { detail: of }) })),
    validFor: /^[\w+#.-]*$/,
  }
}
