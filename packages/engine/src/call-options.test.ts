import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fieldsMarkdown } from '@se/core'
import { optionsTableIn } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import {
  CALL_FIELDS,
  readBoundOptions,
  readGetOptions,
  readStopOptions,
  readSubmitOptions,
} from './call-options.ts'
import { CONFIG_FIELDS } from './config.ts'

const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8')

describe('options of a call', () => {
  it.each([
    [{ leve: 'archive' }, 'leve: is not a field; there are level, state, contentType, timeoutMs, signal'],
    [{ ttl: 1000 }, 'ttl: is not a field'],
    [{ level: 'x' }, 'level: must be one of memory, log, archive'],
    [{ level: null }, 'level: must be one of memory, log, archive, not null'],
    [{ state: 7 }, 'state: must be a string, not 7'],
    [{ contentType: null }, 'contentType: must be a string, not null'],
    [{ timeoutMs: 0 }, 'timeoutMs: must be an integer from 1 to 9007199254740991, not 0'],
    [{ timeoutMs: '5' }, 'timeoutMs: must be an integer'],
    [{ timeoutMs: Infinity }, 'timeoutMs: must be an integer'],
    [{ signal: new AbortController() }, 'signal: must be an AbortSignal'],
    [null, 'options: must be an object, not null'],
    ['log', 'options: must be an object, not a string'],
    [() => {}, 'options: must be an object, not a function'],
  ])('says what is wrong with %j [P77]', (given, message) => {
    expect(() => readSubmitOptions(given)).toThrow(
      expect.objectContaining({
        code: 'SE_INVALID_INPUT',
        message: expect.stringContaining(message) as string,
      }),
    )
  })

  it('takes what each table allows, also a time limit beyond what a timer of the platform holds [P50]', () => {
    const { signal } = new AbortController()
    expect(readSubmitOptions({ level: 'archive', timeoutMs: 2 ** 40, signal })).toMatchObject({
      level: 'archive',
      state: 'default',
      contentType: undefined,
      timeoutMs: 2 ** 40,
      signal,
    })
    expect(readSubmitOptions({ state: '' }).state).toBe('')
    expect(readGetOptions({ consistency: 'source', bytes: 'shared' })).toMatchObject({
      consistency: 'source',
    })
    expect(readStopOptions({ timeoutMs: 5 })).toEqual({ timeoutMs: 5, signal: undefined })
    // A signal of another realm, or of a polyfill.
    const foreign = { aborted: false, addEventListener() {}, removeEventListener() {} }
    expect(readBoundOptions({ signal: foreign }).signal).toBe(foreign)
  })

  it('gives the same frozen defaults to every call without options: they cost nothing', () => {
    expect(readGetOptions(undefined)).toBe(readGetOptions(undefined))
    expect(Object.isFrozen(readGetOptions(undefined))).toBe(true)
    expect(readGetOptions(undefined)).toEqual({
      consistency: 'local',
      bytes: 'own',
      timeoutMs: undefined,
      signal: undefined,
    })
  })
})

it.each(Object.entries({ createEngine: CONFIG_FIELDS, ...CALL_FIELDS }))(
  'the README has the table of the options of %s as the code has it [P77]',
  (name, table) => {
    expect(optionsTableIn(readme, name)).toBe(fieldsMarkdown(table))
  },
)
