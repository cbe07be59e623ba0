import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ArchiveRefusedData, InvariantViolation, StorageError, TierUnavailable } from '@se/core'
import { describe, expect, it } from 'vitest'
import { decodeError, encodeError } from './error-record.ts'

type ErrorClass = new (...given: unknown[]) => StorageError

/** The packages that the back is made of, by what its sources import. */
function partsOfTheBack(): readonly string[] {
  const cwd = path.join(import.meta.dirname, '..')
  const files = globSync('{back,guard,seam}/**/*.ts', { cwd }).filter((file) => !file.endsWith('.test.ts'))
  const sources = files.map((file) => readFileSync(path.join(cwd, file), 'utf8'))
  const named = sources.flatMap((source) => [...source.matchAll(/ from '(@se\/[a-z-]+)'$/gm)])
  return [...new Set(named.map(([, name]) => name!))].toSorted()
}

async function classesOf(name: string): Promise<[string, ErrorClass][]> {
  const exported = (await import(name)) as Readonly<Record<string, unknown>>
  return Object.entries(exported).filter(
    (entry): entry is [string, ErrorClass] =>
      typeof entry[1] === 'function' && entry[1].prototype instanceof StorageError,
  )
}

const parts = partsOfTheBack()
const classes = (await Promise.all(parts.map(classesOf))).flat()

const cross = (error: unknown): Error => decodeError(structuredClone(encodeError(error))) as Error

describe('an error that crosses the seam', () => {
  it('is looked for in all that the back is made of', () => {
    expect(parts).toEqual(expect.arrayContaining(['@se/core', '@se/merkle']))
    expect(classes.length).toBeGreaterThan(14)
  })

  for (const [name, Class] of classes) {
    it(`is a ${name} again`, () => {
      const error = new Class('field', 'what is wrong')
      const crossed = cross(error)
      expect(crossed).toBeInstanceOf(Class)
      expect(crossed.constructor).toBe(Class)
      expect({ ...crossed }).toEqual({ ...error })
      expect(crossed.stack).toBe(error.stack)
      expect((crossed as StorageError).toJSON()).toEqual(error.toJSON())
    })
  }

  it('keeps its details and its causes, and is told from others by them', () => {
    const details = { because: 'breaker-open', figures: [1, 2] }
    const cause = new TierUnavailable('no answer', { details, cause: new TypeError('a bug') })
    const crossed = cross(new ArchiveRefusedData('too long', { cause })) as ArchiveRefusedData
    expect(crossed.cause).toBeInstanceOf(TierUnavailable)
    expect((crossed.cause as TierUnavailable).details).toEqual(details)
    expect((crossed.cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'a bug' })
  })

  it('is a fault where its class is not known on the other side', () => {
    class Strange extends StorageError {
      override readonly name = 'Strange'
      readonly code = 'SE_STRANGE'
    }
    const crossed = cross(new Strange('what is this'))
    expect(crossed).toBeInstanceOf(Error)
    expect(crossed).not.toBeInstanceOf(StorageError)
    expect(crossed).toMatchObject({ name: 'Strange', message: 'what is this' })
  })

  it('takes the class of its code, where only this side has a finer one', () => {
    class Finer extends TierUnavailable {}
    expect(cross(new Finer('no answer')).constructor).toBe(TierUnavailable)
  })

  it('that is none crosses as text, and causes that go in a circle end', () => {
    expect(cross('thrown')).toBe('thrown')
    const loop = new InvariantViolation('a')
    Object.defineProperty(loop, 'cause', { value: loop })
    expect(cross(loop)).toBeInstanceOf(InvariantViolation)
  })
})
