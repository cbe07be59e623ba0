import { CuckooFilter } from './src/index.ts'
import { hashId } from '@se/core/hash'
const fm = (x: number) => {
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return x ^ (x >>> 16)
}
const N = +(process.argv[2] ?? 16e6)
const f = CuckooFilter.create({ capacity: N, falsePositiveRate: 0.001 })
const w = new Uint32Array(4)
for (let i = 0; i < N; i++) {
  hashId('key.' + i, w)
  f.addHash(w[0]!, w[1]!)
}
const q = (d: number[]) => {
  d.sort((a, b) => a - b)
  return d[0]!.toFixed(0) + '/' + d[d.length >> 2]!.toFixed(0) + '/' + d[d.length >> 1]!.toFixed(0)
}
const flat = (s: string) => Buffer.from(s, 'latin1').toString('latin1')
const abs: number[] = [],
  pre: number[] = [],
  hash: number[] = [],
  habs: number[] = [],
  hpre: number[] = []
let s = 0,
  y = 1
const K = 10000
for (let r = 0; r < 150; r++) {
  const ak = Array.from({ length: K }, () => {
    y = (Math.imul(y, 1664525) + 1013904223) | 0
    return flat('not.' + (y >>> 1))
  })
  const pk = Array.from({ length: K }, () => {
    y = (Math.imul(y, 1664525) + 1013904223) | 0
    return flat('key.' + ((y >>> 0) % N))
  })
  const ah = new Int32Array(2 * K),
    ph = new Int32Array(2 * K)
  for (let i = 0; i < K; i++) {
    y = (Math.imul(y, 1664525) + 1013904223) | 0
    ah[2 * i] = fm(y)
    ah[2 * i + 1] = fm(y ^ 77)
    hashId('key.' + ((y >>> 0) % N), w)
    ph[2 * i] = w[0]!
    ph[2 * i + 1] = w[1]!
  }
  let t = performance.now()
  for (const k of ak) if (f.has(k)) s++
  abs.push(((performance.now() - t) / K) * 1e6)
  t = performance.now()
  for (const k of pk) if (f.has(k)) s++
  pre.push(((performance.now() - t) / K) * 1e6)
  t = performance.now()
  for (let i = 0; i < 2 * K; i += 2) if (f.hasHash(ah[i]!, ah[i + 1]!)) s++
  habs.push(((performance.now() - t) / K) * 1e6)
  t = performance.now()
  for (let i = 0; i < 2 * K; i += 2) if (f.hasHash(ph[i]!, ph[i + 1]!)) s++
  hpre.push(((performance.now() - t) / K) * 1e6)
  t = performance.now()
  for (const k of ak) {
    hashId(k, w)
    s += w[0]! & 1
  }
  hash.push(((performance.now() - t) / K) * 1e6)
}
console.log(
  'min/25%/median: absent',
  q(abs),
  'present',
  q(pre),
  'hash only',
  q(hash),
  'hashed absent',
  q(habs),
  'present',
  q(hpre),
  s > 0,
  f.byteLength >> 20,
  'MB',
)
