/**
 * Goal: the glossary explains the words that are used, and no others.
 * Method: each word is looked for in the sources, tests left out; names are cut into the words they are made of.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The words of each row; a row may explain two that belong together. */
function rowsOfGlossary(): string[][] {
  const text = readFileSync(path.join(root, 'docs/GLOSSARY.md'), 'utf8')
  const [, ...cells] = [...text.matchAll(/^\| ([^|]+?) \| /gm)].map(([, cell]) => cell!)
  return cells.map((cell) => cell.split(', '))
}

/** `LowWaterMark`, `lowWaterMark` and `low-water` as `low water mark`; inflected forms stay. */
function spoken(text: string): string {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_]/g, ' ')
    .replaceAll(/\s+(\*|\/\/)?\s*/g, ' ')
    .toLowerCase()
}

const rows = rowsOfGlossary()
const words = rows.flat()

it('has each word once, in alphabetical order', () => {
  const first = rows.map(([word]) => word!)
  expect(first.length).toBeGreaterThan(50)
  expect(first).toEqual(first.toSorted((a, b) => a.localeCompare(b, 'en')))
  expect(new Set(words).size).toBe(words.length)
})

it('explains words that occur in the sources', () => {
  const files = globSync('{packages,apps}/*/src/**/*.ts', { cwd: root }).filter(
    (file) => !file.includes('.test'),
  )
  const text = spoken(files.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n'))
  const missing = words.filter((word) => !new RegExp(`(?<![a-z])${spoken(word)}(?![a-z0-9])`).test(text))
  expect(missing).toEqual([])
})
