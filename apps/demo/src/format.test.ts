import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFigures,
  formatRate,
  shellQuoted,
  sqlQuoted,
} from './format.ts'

describe('figures for people', () => {
  it('gives durations three digits and the unit that fits', () => {
    const shown = [0, 0.0001, 0.0271, 0.12, 0.9996, 1.234, 12.34, 123.4, 999.6, 1_234, 12_340].map(
      formatDuration,
    )
    expect(shown).toEqual([
      '0.00 µs',
      '0.10 µs',
      '27.1 µs',
      '120 µs',
      '1.00 ms',
      '1.23 ms',
      '12.3 ms',
      '123 ms',
      '1.00 s',
      '1.23 s',
      '12.3 s',
    ])
  })

  it('gives sizes, counts and rates', () => {
    expect([0, 1_023, 1_024, 7_864_320].map(formatBytes)).toEqual([
      '0 bytes',
      '1023 bytes',
      '1.0 KiB',
      '7.5 MiB',
    ])
    expect(formatCount(14_547)).toBe('14,547')
    expect(formatRate(14_547, 500)).toBe('29,094 items/s')
    expect(formatRate(0, 0)).toBe('0 items/s')
  })

  it('names figures as people write, and leaves out what is not there', () => {
    expect(formatFigures({ lastSequence: 1_200, recovery: 'clean', because: undefined, cut: '' })).toBe(
      'last sequence 1,200, recovery clean',
    )
  })

  it('quotes what is to be pasted', () => {
    expect(shellQuoted('/tmp/a-b_1.sqlite')).toBe('/tmp/a-b_1.sqlite')
    expect(shellQuoted('se:{17}i:user.alice')).toBe("'se:{17}i:user.alice'")
    expect(shellQuoted("id = 'a b'")).toBe(`"id = 'a b'"`)
    expect(shellQuoted("'$HOME'")).toBe(String.raw`''\''$HOME'\'''`)
    expect(sqlQuoted("o'neill")).toBe("'o''neill'")
  })
})
