/**
 * Goal: the default and the range of an option stand in one place, its table, which checks what is given and prints the README.
 * Method: TypeScript's parser finds the interface that belongs to each table, by what the table says of itself, and reads what the
 * comments of its members say.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { isOwn } from './imports.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
/** `The table of {@link LogOptions}`, `satisfies TableOf<SubmitOptions>`. */
const OF_INTERFACE = /(?:table|fields) of \{@link (\w+)\}|TableOf<(\w+)>/g
/** A default that is a figure or a word of the table's, or a range; `Default: …` tells of what no table can have. */
const FIGURE =
  /\(default\)|\bdefault (?!:)[`\d]|\bdefault (?:true|false)\b|\bfrom \d|\d (?:to|…) \d|\bup to \d/i

const sources = globSync('packages/*/src/**/*.ts', { cwd: root })
  .map((file) => file.replaceAll(path.sep, '/'))
  .filter((file) => isOwn(file.split('/').slice(2).join('/')))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))

const named = new Set(
  sources.flatMap(({ text }) =>
    Array.from(text.matchAll(OF_INTERFACE), ([, link, table]) => (link ?? table)!),
  ),
)

interface Member {
  /** `packages/wal/src/options.ts: LogOptions.waitMs` */
  readonly name: string
  readonly comment: string
}

/** Every member of an interface, those of objects within it too. */
function membersOf({ file, text }: (typeof sources)[number]): Member[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Member[] = []
  const visit = (node: ts.Node, within: string): void => {
    if (ts.isPropertySignature(node)) {
      const name = `${within}.${node.name.getText(source)}`
      const comment = ts.getJSDocCommentsAndTags(node).map((doc) => doc.getText(source))
      found.push({ name, comment: comment.join('\n').replaceAll(/\s+\*?\s*/g, ' ') })
      ts.forEachChild(node, (child) => visit(child, name))
    } else ts.forEachChild(node, (child) => visit(child, within))
  }
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement) && named.has(statement.name.text))
      visit(statement, `${file}: ${statement.name.text}`)
  }
  return found
}

describe('an option', () => {
  const members = sources.flatMap(membersOf)

  it('is found, of each package that takes options', () => {
    const packages = new Set(members.map(({ name }) => name.split('/')[1]))
    expect([...packages].toSorted()).toEqual([
      'core',
      'cuckoo',
      'engine',
      'merkle',
      'metrics',
      'tiers-mysql',
      'tiers-redis',
      'wal',
    ])
    expect(members.map(({ name }) => name)).toContain(
      'packages/engine/src/config.ts: EngineConfig.flush.delayMs',
    )
  })

  it('has its default and its range in the table alone', () => {
    expect(members.filter(({ comment }) => FIGURE.test(comment))).toEqual([])
  })

  // prettier-ignore
  it.each([
    ['Bytes written at a time. Default 4 MiB, from 4 KiB.', true],
    ['At the bound writers `wait` (default).',              true],
    ['Before every key. Default `se:`.',                    true],
    ['A call has failed, ms, 1 to 60,000.',                 true],
    ['0 … 10,000; only without `exclusive`.',               true],
    ['Whether the file is locked. Default true.',           true],
    ['Default: the machine\u2019s.',                        false],
    ['a multiple of 4 KiB',                                 false],
  ])('%s: is seen %s', (comment, isSeen) => {
    expect(FIGURE.test(comment)).toBe(isSeen)
  })
})
