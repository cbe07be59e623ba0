/**
 * What it costs to hash an id: beside only encoding it (whoever hashes UTF-8 must at least look at each character), and
 * beside the shortest hash of 128 bits that Node has built in.
 */
import { hash } from 'node:crypto'
import { defineCase, type ComparedCase } from '@se/bench'
import { hashId } from '../src/hash.ts'

export const area = 'core'

const IDS = 10_000
const HASHES = 500_000

export const cases: readonly ComparedCase[] = [
  defineCase({
    case: 'core.hash.id',
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const ids = Array.from({ length: IDS }, (_, index) => `user.${index.toString().padStart(11, '0')}`)
      const out = new Uint32Array(4)
      const scratch = new Uint8Array(64)
      const encoder = new TextEncoder()
      let sink = 0
      const timed = (each: (id: string) => number) => () => {
        const startedMs = performance.now()
        for (let index = 0; index < HASHES; index++) sink ^= each(ids[index % IDS]!)
        return ((performance.now() - startedMs) * 1e6) / HASHES
      }
      return {
        ours: timed((id) => hashId(id, out)[0]!),
        against: {
          'TextEncoder.encodeInto': timed((id) => encoder.encodeInto(id, scratch).written),
          "crypto.hash('md5')": timed((id) => hash('md5', id, 'hex').length),
        },
        notes: () => [`ids of 16 ASCII characters, ${HASHES} a sample (${sink === 0 ? 'even' : 'odd'} sink)`],
      }
    },
  }),
]
