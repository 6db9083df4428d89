import { describe, expect, it } from 'vitest'
import { importsOf, isBarrel, lineOf, scanSource } from './source.ts'

const specifiers = (source: string) => importsOf(scanSource(source)).map(({ specifier }) => specifier)

describe('scanSource', () => {
  it('keeps length and line breaks', () => {
    const source = "a /* b\nc */ 'd' // e\n`f ${g} h\ni`\n/j'/.test(k)\n"
    const { code } = scanSource(source)
    expect(code.length).toBe(source.length)
    expect(code.split('\n').length).toBe(source.split('\n').length)
  })

  it('blanks comments, strings, templates and regular expressions, and nothing else', () => {
    const secret = 'Date.now()'
    for (const source of [
      `// ${secret}`,
      `/* ${secret} */`,
      `'${secret}'`,
      `"\\"${secret}"`,
      `\`${secret}\``,
      `x = /${secret}/g`,
    ]) {
      expect(scanSource(source).code, source).not.toContain('now')
    }
    for (const source of [
      `\`a \${${secret}} b\``,
      `a / ${secret} / b`,
      `f(a)[0] / ${secret} / b`,
      `\`\${{ a: \`\${${secret}}\` }}\``,
    ]) {
      expect(scanSource(source).code, source).toContain(secret)
    }
  })

  it('goes on after quotes that are inside other literals', () => {
    for (const literal of [`/['"]/`, `/[/'"]/`, "'\"'", '`\'"`', "// it's", "/* it's */", '`${/`/.test(x)}`']) {
      expect(scanSource(`x = ${literal}\nDate.now()`).code, literal).toContain('Date.now()')
    }
  })

  it('tells a division from a regular expression', () => {
    expect(scanSource("return /'/.test(a)\nDate.now()").code).toContain('Date.now()')
    expect(scanSource("a.return / b; 'c' / 2").strings.map(({ value }) => value)).toEqual(['c'])
  })

  it('reports strings with their value', () => {
    expect(scanSource("f('a', \"b\", `c`, `d${e}`, 'it\\'s')").strings.map(({ value }) => value)).toEqual(['a', 'b', 'c', "it's"])
  })

  it('survives unfinished literals', () => {
    for (const source of ["'", '"a', '`', '`${', '/* ', 'x = /', "'\\", '#!'])
      expect(scanSource(source).code.length).toBe(source.length)
  })
})

describe('importsOf', () => {
  it('finds every form', () => {
    const source = [
      "import a from 'a'",
      "import { b,\n  type B } from 'b'",
      "import type { C } from 'c'",
      "import 'd'",
      "export * from 'e'",
      "export { f } from 'f'",
      "const g = await import('g')",
      "const h = await import(\n  'h'\n)",
      "import.meta.resolve('i')",
      'import(`j`)',
    ].join('\n')
    expect(specifiers(source)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'])
  })

  it('ignores what only looks like one', () => {
    expect(
      specifiers("// import a from 'a'\nconst b = \"import c from 'c'\"\nArray.from('d')\ndatabase.import('e')\nf('from', 'g')"),
    ).toEqual([])
  })

  it('tells clause, kind and line', () => {
    expect(importsOf(scanSource("\nimport { a } from 'b'\n\nawait import('c')"))).toEqual([
      { kind: 'static', specifier: 'b', clause: '{ a }', line: 2 },
      { kind: 'dynamic', specifier: 'c', clause: '', line: 4 },
    ])
  })
})

describe('isBarrel', () => {
  it('knows files that only pass on', () => {
    for (const source of [
      "export * from './a.ts'",
      "// all\nexport { a, type B } from './a.ts'\nexport type { C } from './c.ts'\nexport * as d from './d.ts'",
      "import { a } from './a.ts'\nexport { a }",
    ]) {
      expect(isBarrel(scanSource(source)), source).toBe(true)
    }
  })

  it('lets files be that do something', () => {
    for (const source of [
      "export * from './a.ts'\nexport const b = 1",
      "import './a.ts'\nrun()",
      "import { a } from './a.ts'\na()",
      '',
      'const a = 1\nexport { a }',
    ]) {
      expect(isBarrel(scanSource(source)), source).toBe(false)
    }
  })
})

describe('lineOf', () => {
  it('counts from 1', () => {
    expect([0, 1, 2, 3].map((at) => lineOf('a\nb\n', at))).toEqual([1, 1, 2, 2])
  })
})
