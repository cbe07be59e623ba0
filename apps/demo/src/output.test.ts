import { describe, expect, it } from 'vitest'
import { alignColumns } from './output.ts'

describe('alignColumns', () => {
  it('pads every column but the last to its widest cell', () => {
    expect(
      alignColumns([
        ['log', '1.2 ms', 'clean'],
        ['archive', '12 ms', 'a longer text'],
        ['root', '', ''],
      ]),
    ).toEqual(['log      1.2 ms  clean', 'archive  12 ms   a longer text', 'root'])
  })
})
