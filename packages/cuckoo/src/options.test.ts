import { inspect } from 'node:util'
import { fieldsMarkdown, type FieldTable } from '@se/core'
import { readFileSync } from 'node:fs'
import { optionsContract, optionsTableIn } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { CuckooFilter, StaticCuckooFilter } from './index.ts'
import { FILTER_FIELDS, RESTORE_FIELDS } from './options.ts'

/** Goal: no word is taken that nobody understands, and nobody has to guess what a filter holds. Method: every options object there is. */

const options = { capacity: 10, falsePositiveRate: 0.01 }
const kinds = { CuckooFilter, StaticCuckooFilter }

const calls = Object.entries(kinds).flatMap<
  [name: string, table: FieldTable, call: (given: object) => Promise<unknown>]
>(([name, kind]) => {
  const bytes = kind.create(options).toSnapshot()
  return [
    [`${name}.create`, FILTER_FIELDS, async (given) => kind.create({ ...options, ...given })],
    [`${name}.fromSnapshot`, RESTORE_FIELDS, async (given) => kind.fromSnapshot(bytes, given)],
    [`${name}.fromSnapshotStream`, RESTORE_FIELDS, (given) => kind.fromSnapshotStream([bytes], given)],
  ]
})

describe.each(calls)('options of %s [P77]', (_, table, call) => {
  for (const { title, run } of optionsContract(table, call)) it(title, run)
})

describe.each(Object.entries(kinds))('%s [P77]', (name, kind) => {
  it('refuses a single key where it takes many: its characters are not meant', () => {
    const filter = kind.create(options)
    expect(() => filter.addMany('user.1')).toThrow(expect.objectContaining({ field: 'keys' }))
    expect(filter.count).toBe(0)
  })

  it('shows its figures in JSON and on the console', () => {
    const filter = kind.create(options)
    filter.addMany(['a', 'b'])
    const shown = JSON.parse(JSON.stringify(filter)) as Record<string, unknown>
    expect(shown).toMatchObject({ count: 2, sum: String(filter.sum), falsePositiveRate: 0.01, seed: 0 })
    expect(inspect(filter)).toContain(`${name} {`)
    expect(inspect(filter)).toContain(`sum: ${filter.sum}n`)
    expect(inspect(filter)).not.toMatch(/tagKey|#|Map|Array/)
    const restored = kind.fromSnapshot(filter.toSnapshot(Uint8Array.of(1, 2)))
    expect(JSON.parse(JSON.stringify(restored))).toEqual({
      filter: shown,
      meta: { length: 2, base64: 'AQI=' },
    })
  })
})

it.each(Object.entries({ create: FILTER_FIELDS, fromSnapshot: RESTORE_FIELDS }))(
  'the README has the table of the options of %s as the code has it [P77]',
  (name, table) => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(optionsTableIn(readme, name)).toBe(fieldsMarkdown(table))
  },
)
