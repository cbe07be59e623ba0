import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { fieldsMarkdown, type FieldTable } from '@se/core'
import { optionsContract, optionsTableIn } from '@se/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog, repairLog, type AppendOptions, type Log, type LogOptions } from './index.ts'
import { LIMIT_FIELDS } from './limits.ts'
import { APPEND_FIELDS, LOG_FIELDS, REPAIR_FIELDS } from './options.ts'

/** Goal: no word is taken that nobody understands, and nobody has to guess what an object holds. Method: every options object there is. */

let directory: string
let log: Log

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-wal-options-'))
  log = await openLog({ directory, limits: { segmentBytes: 4096 } })
  await log.append(Buffer.from('one'))
})

afterAll(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

type Call = (options: object) => Promise<unknown>

const calls: [name: string, path: string, table: FieldTable, code: string, call: Call][] = [
  ['openLog', '', LOG_FIELDS, 'SE_INVALID_CONFIG', (given) => openLog({ directory, ...given })],
  [
    'openLog, limits',
    'limits.',
    LIMIT_FIELDS,
    'SE_INVALID_CONFIG',
    (limits) => openLog({ directory, limits }),
  ],
  ['repairLog', '', REPAIR_FIELDS, 'SE_INVALID_CONFIG', (given) => repairLog({ directory, ...given })],
  ['append', '', APPEND_FIELDS, 'SE_INVALID_INPUT', (given) => log.append(Buffer.from('x'), given)],
  [
    'appendBuffered',
    '',
    APPEND_FIELDS,
    'SE_INVALID_INPUT',
    (given) => log.appendBuffered(Buffer.from('x'), given),
  ],
]

describe.each(calls)('options of %s [P77]', (_, path, table, code, call) => {
  for (const { title, run } of optionsContract(table, call, { code, path })) it(title, run)
})

it.each([null, 5, 'urgent', []])('refuses %j in the place of options [P77]', async (given) => {
  await expect(openLog(given as never as LogOptions)).rejects.toMatchObject({ code: 'SE_INVALID_CONFIG' })
  await expect(log.append(Buffer.from('x'), given as never as AppendOptions)).rejects.toMatchObject({
    code: 'SE_INVALID_INPUT',
  })
  expect(log.stats().lastSequence).toBe(1)
})

it.each(Object.entries({ openLog: LOG_FIELDS, append: APPEND_FIELDS }))(
  'the README has the table of the options of %s as the code has it [P77]',
  (name, table) => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(optionsTableIn(readme, name)).toBe(fieldsMarkdown(table))
  },
)

describe('what people see [P77]', () => {
  it('of a log is its figures, in JSON and on the console', () => {
    const shown = JSON.parse(JSON.stringify(log)) as Record<string, unknown>
    expect(shown).toMatchObject({
      directory,
      state: 'open',
      lastSequence: 1,
      recovery: { outcome: 'created' },
    })
    expect(inspect(log)).toMatch(/^Log \{\n {2}directory: '.*state: 'open'/s)
    expect(inspect(log)).not.toContain('Map(')
  })

  it('of a record in JSON is how long it is, and its bytes', async () => {
    const { value } = await log.replay().next()
    expect(JSON.stringify(value)).toBe('{"sequence":1,"bytes":{"length":3,"base64":"b25l"}}')
    expect(inspect(value)).toContain('sequence: 1, bytes:')
  })

  it('of an error in JSON is its message', async () => {
    const error = await openLog({ directory }).catch((caught: unknown) => caught)
    expect(JSON.parse(JSON.stringify({ error }))).toMatchObject({
      error: { name: 'LogLocked', code: 'SE_LOG_LOCKED', details: { directory, pid: process.pid } },
    })
    expect(JSON.stringify(error)).toContain('a log has one writer')
  })
})
