import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { readLines } from './lines.ts'

async function linesOf(chunks: readonly Buffer[], lineBytesMax = 100): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = []
  async function* stream() {
    yield* chunks
  }
  for await (const { number, bytes } of readLines(stream(), lineBytesMax)) {
    expect(number).toBe(lines.length + 1)
    lines.push(bytes?.toString())
  }
  return lines
}

describe('readLines', () => {
  it('gives the same lines wherever the stream is cut, also within a character', async () => {
    // A byte order mark is one at the beginning only.
    const input = Buffer.from('\ufeff{"a":"é"}\r\n\n\ufeffb\nlast line without end €')
    const expected = ['{"a":"é"}', '', '\ufeffb', 'last line without end €']
    expect(await linesOf([input])).toEqual(expected)
    for (let cut = 0; cut <= input.length; cut++) {
      expect(await linesOf([input.subarray(0, cut), input.subarray(cut)])).toEqual(expected)
    }
    expect(await linesOf(Array.from(input, (_, index) => input.subarray(index, index + 1)))).toEqual(expected)
  })

  it('gives no line for nothing, and none behind the last line end', async () => {
    expect(await linesOf([])).toEqual([])
    expect(await linesOf([Buffer.alloc(0)])).toEqual([])
    expect(await linesOf([Buffer.from('a\n')])).toEqual(['a'])
    expect(await linesOf([Buffer.from('\n')])).toEqual([''])
  })

  it('tells of a line that is too long, keeps none of it, and goes on behind it', async () => {
    for (const size of [1, 3, 7, 64]) {
      const input = Buffer.from(`12345\n${'x'.repeat(50)}\n12345\r\n123456\n1`)
      const chunks: Buffer[] = []
      for (let at = 0; at < input.length; at += size) chunks.push(input.subarray(at, at + size))
      expect(await linesOf(chunks, 5)).toEqual(['12345', undefined, '12345', undefined, '1'])
    }
  })
})
