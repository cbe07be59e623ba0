import { expect, it } from 'vitest'
import { formatProgress, startProgress } from './progress.ts'

it('shows how far a phase has come where that is known, else how many', () => {
  expect(formatProgress('submit', 1_500, 0.5, 1_000)).toBe(
    `  submit  [${'#'.repeat(15)}${'.'.repeat(15)}]  50 %  1,500 items  1,500 items/s`,
  )
  expect(formatProgress('submit', 1_500, undefined, 500)).toBe('  submit  1,500 items  3,000 items/s')
})

it('shows nothing where there is no terminal', () => {
  const written: string[] = []
  const stream = {
    isTTY: false,
    write: (text: string) => written.push(text),
  } as unknown as NodeJS.WriteStream
  const progress = startProgress('submit', stream)
  progress.show(1, 0.5)
  progress.end()
  expect(written).toEqual([])
})
