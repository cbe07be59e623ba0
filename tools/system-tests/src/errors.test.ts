/**
 * Goal: docs/errors.md has every error that can be caught, and nothing else.
 * Method: the classes with a `code`, and the codes of causes, are read from the sources with TypeScript's parser. What the server answers
 * is compared in its own tests.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERROR_KINDS } from '@se/metrics'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { isOwn } from './imports.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8')

interface Found {
  /** `code` → `Class (package)`. */
  readonly classes: Map<string, string>
  /** Every other text that looks like a code of a package. */
  readonly others: Set<string>
}

/** Classes with a `code`, and texts that look like one. Variables of the environment look so too: no package reads any. */
function codesIn(files: readonly string[]): Found {
  const found: Found = { classes: new Map(), others: new Set() }
  for (const file of files) {
    const project = file.split('/')[1]!
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyDeclaration(node) && ts.isClassLike(node.parent) && isNamed(node, 'code')) {
        const { initializer } = node
        if (initializer === undefined || !ts.isStringLiteral(initializer)) return
        found.classes.set(initializer.text, `${node.parent.name?.text} (${project})`)
        return
      }
      if (ts.isStringLiteralLike(node) && /^SE_[A-Z_]+$/.test(node.text)) found.others.add(node.text)
      ts.forEachChild(node, visit)
    }
    visit(
      ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true),
    )
  }
  return found
}

function isNamed(node: ts.PropertyDeclaration, name: string): boolean {
  return ts.isIdentifier(node.name) && node.name.text === name
}

function sourcesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => isOwn(file.split('/').slice(2).join('/')))
}

/** The cells of every table row of a section, without backquotes. */
function rowsOf(heading?: string): string[][] {
  const [, ...sections] = page.split(/^## /m)
  return sections
    .filter((section) => heading === undefined || section.startsWith(heading))
    .flatMap((section) => section.split('\n'))
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

describe('docs/errors.md', () => {
  const { classes, others } = codesIn(sourcesOf('packages/*/src/**/*.ts'))

  it('has every class with a code, by its name and its package, and no other', () => {
    expect(classes.size).toBeGreaterThan(30)
    const listed = rowsOf().filter((cells) => cells.length === 5)
    expect(Object.fromEntries(listed.map(([code, name]) => [code, name]))).toEqual(
      Object.fromEntries(classes),
    )
    expect(new Set(listed.map(([code]) => code)).size).toBe(listed.length)
    for (const cells of listed) for (const cell of cells) expect(cell, cells[0]).not.toBe('')
  })

  it('has every code that the cause of an error may have, and no other', () => {
    const ofCauses = [...others].filter((code) => !classes.has(code))
    expect(
      rowsOf('Codes of a cause')
        .map(([code]) => code)
        .toSorted(),
    ).toEqual(ofCauses.toSorted())
  })

  it('has what the apps add: codes of the server, and no class with a code', () => {
    const apps = codesIn(sourcesOf('apps/*/src/**/*.ts'))
    expect([...apps.classes]).toEqual([])
    const ofHttp = [...apps.others].filter((code) => code.startsWith('SE_HTTP_'))
    expect(
      rowsOf('The server')
        .map(([code]) => code)
        .toSorted(),
    ).toEqual(ofHttp.toSorted())
  })

  it('has what the metrics count: the labels are the codes', () => {
    expect([...ERROR_KINDS].toSorted()).toEqual([...classes.keys(), 'UNEXPECTED'].toSorted())
  })
})
