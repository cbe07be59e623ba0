import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { describe, expect, it } from 'vitest'
import { judge, judgeByOpening, withFile, writeLog, type Verdict } from './corruption.ts'

/**
 * Goal: damaged files are told, or the damage is harmless; never is wrong data given out, never an
 * acknowledged record dropped in silence. Method: every truncation and every flipped bit of a small log, samples of a
 * bigger one; the small ones are read by the survey that opening judges by, a part of them by opening.
 */

class Tally {
  readonly counts: Record<string, number> = {}
  readonly wrong: string[] = []

  add(verdict: Verdict, where: string): void {
    if (typeof verdict === 'object') this.wrong.push(`${where}: ${verdict.wrong}`)
    else this.counts[verdict] = (this.counts[verdict] ?? 0) + 1
  }
}

const small = { totalBytes: 16_384, segmentBytes: 4096, recordBytes: 150 }

describe.each([
  { title: 'closed in order', isClosed: true },
  { title: 'of a killed process', isClosed: false },
])('a 16 KiB log $title', ({ isClosed }) => {
  it('tells every truncation of every file [P10]', { timeout: 400_000 }, async () => {
    const written = await writeLog(seededRandom(16), { ...small, isClosed })
    const tally = new Tally()
    for (const [name, bytes] of written.files) {
      for (let size = 0; size < bytes.length; size++) {
        const files = withFile(written.files, name, bytes.subarray(0, size))
        tally.add(await judge(written, files), `${name} cut to ${size}`)
        if (size % 61 === 0)
          tally.add(await judgeByOpening(written, files, 4096), `${name} cut to ${size}, opened`)
      }
    }
    expect(tally.wrong).toEqual([])
    expect(Object.keys(tally.counts)).toEqual(['refused'])
    expect(tally.counts['refused']).toBeGreaterThan(16_384)
  })

  // Every bit of the log that tells least of its end; of the other, every bit of each eleventh byte.
  const step = isClosed ? 11 : 1
  it(
    `tells every flipped bit of each ${step}. byte, or it is harmless [P10]`,
    { timeout: 400_000 },
    async () => {
      const written = await writeLog(seededRandom(17), { ...small, isClosed })
      const tally = new Tally()
      let flips = 0
      for (const [name, original] of written.files) {
        const bytes = original.slice()
        const files = withFile(written.files, name, bytes)
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          if ((bit >> 3) % step !== 0) continue
          bytes[bit >> 3]! ^= 1 << (bit & 7)
          tally.add(await judge(written, files), `${name} bit ${bit}`)
          if (flips++ % 499 === 0)
            tally.add(await judgeByOpening(written, files, 4096), `${name} bit ${bit}, opened`)
          bytes[bit >> 3]! ^= 1 << (bit & 7)
        }
      }
      expect(tally.wrong).toEqual([])
      expect(flips).toBeGreaterThanOrEqual((16_384 * 8) / step)
      // Both kinds must have been met: data that matters, and what is left of an earlier use.
      expect(tally.counts['refused']).toBeGreaterThan(10_000 / step)
      expect(tally.counts['harmless']).toBeGreaterThan(1000 / step)
    },
  )
})

describe('a 1 MiB log', () => {
  const big = { totalBytes: 1_048_576, segmentBytes: 262_144, recordBytes: 3000 }

  it('tells a truncation at every frame boundary ± 8 bytes [P10]', { timeout: 400_000 }, async () => {
    const written = await writeLog(seededRandom(18), { ...big, isClosed: true })
    const tally = new Tally()
    for (const { file, offset } of written.boundaries) {
      for (let size = offset - 8; size <= offset + 8; size++) {
        const files = withFile(written.files, file, written.files.get(file)!.subarray(0, size))
        tally.add(await judge(written, files), `${file} cut to ${size}`)
      }
    }
    expect(tally.wrong).toEqual([])
    expect(Object.keys(tally.counts)).toEqual(['refused'])
  })

  it('tells 5,000 random flips, or they are harmless [P10]', { timeout: 400_000 }, async () => {
    const random = seededRandom(seed('flips'))
    const written = await writeLog(random, { ...big, isClosed: random.chance(0.5) })
    const tally = new Tally()
    const names = [...written.files.keys()]
    for (let flip = 0; flip < 5000; flip++) {
      const name = random.pick(names)
      const bytes = written.files.get(name)!
      const bit = random.below(bytes.length * 8)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      tally.add(await judge(written, written.files), `${name} bit ${bit}`)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(tally.wrong).toEqual([])
    expect(tally.counts['refused']).toBeGreaterThan(1000)
  })
})
