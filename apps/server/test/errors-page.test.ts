/**
 * Goal: the HTTP column of docs/errors.md is what the server answers.
 * Method: an error of each code that the page has is answered; that the page has all of them is tested in tools/system-tests.
 */
import { readFileSync } from 'node:fs'
import { InvalidInput, StorageError } from '@se/core'
import { describe, expect, it } from 'vitest'
import { answerOf, BODY_TOO_LARGE, ITEM_ABSENT, NO_ROUTE, UNEXPECTED } from '../src/http-errors.ts'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )

function shown(code: string): string {
  const error = code === 'SE_INVALID_INPUT' ? new InvalidInput('id', 'is empty') : new AnyError(code)
  const { status, retryAfterSeconds } = answerOf(error)
  return retryAfterSeconds === undefined ? `${status}` : `${status}, retry`
}

class AnyError extends StorageError {
  readonly code: string

  constructor(code: string) {
    super('as if')
    this.code = code
  }
}

describe('docs/errors.md', () => {
  const ofPackages = rows.filter((cells) => cells.length === 5)
  expect(ofPackages.length).toBeGreaterThan(30)

  it.each(ofPackages.map((cells) => ({ code: cells[0]!, http: cells[4]! })))(
    'says $http for $code, as the server does [R1]',
    ({ code, http }) => {
      const tooLarge = new InvalidInput('value', 'is too large', { limit: 1 })
      const more =
        code === tooLarge.code ? `, or ${answerOf(tooLarge).status} for a value that is too large` : ''
      expect(http).toBe(shown(code) + more)
    },
  )

  it('says what the server adds', () => {
    const own = [ITEM_ABSENT, NO_ROUTE, BODY_TOO_LARGE, UNEXPECTED]
    const listed = rows.filter(([code]) => code!.startsWith('SE_HTTP_')).map(([code, , http]) => [code, http])
    expect(listed).toEqual(own.map(({ code, status }) => [code, `${status}`]))
  })
})
