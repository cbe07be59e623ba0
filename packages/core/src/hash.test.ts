/**
 * Goal: the id hash is MurmurHash3 x86_128 as published, bit for bit, on every path (blocks, tails, short ASCII
 * texts, text beyond the buffer). Method: SMHasher's verification figure, answers published with other
 * implementations, and vectors computed by a second reader in another language (tools/vectors).
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  bucketOf,
  bucketOfId,
  formatHash,
  hashId,
  membershipOf,
  murmur3x86x128,
  STRIPE_COUNT,
  stripeOfBucket,
  stripeOfId,
} from './hash.ts'

interface HashVector {
  readonly name: string
  readonly question: { readonly text?: string; readonly times?: number }
  readonly answer: {
    readonly smhasherVerification?: string
    readonly hash: string
    readonly bucket: number
    readonly stripe: number
    readonly membership: string
  }
}

const { hashes } = JSON.parse(
  readFileSync(new URL('../testdata/hash-vectors.json', import.meta.url), 'utf8'),
) as { hashes: readonly HashVector[] }

describe('id hash', () => {
  it('has the verification figure that SMHasher publishes for it: all lengths to 255, 256 seeds', () => {
    const collected = new Uint8Array(256 * 16)
    const view = new DataView(collected.buffer)
    for (let length = 0; length < 256; length++) {
      const input = Uint8Array.from({ length }, (_, index) => index)
      const words = murmur3x86x128(input, 256 - length)
      for (let lane = 0; lane < 4; lane++) view.setUint32(length * 16 + lane * 4, words[lane]!, true)
    }
    expect(murmur3x86x128(collected)[0]).toBe(0xb3ece62a)
  })

  it.each([
    ['', '00000000000000000000000000000000'],
    ['0', '0ab2409ea5eb34f8a5eb34f8a5eb34f8'],
    ['01234', '35c5b3ee7b3b211600ae108800ae1088'],
    ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c675d7bf66ce5e91d2c'],
    ['I will not buy this record, it is scratched.', 'a0a9683b25ac5e40d9af2895890dddf5'],
    ['My hovercraft is full of eels.', 'e3a186aee169ba6c6a8bd9343c68fa9c'],
  ])('gives the published answer for %j', (text, hash) => {
    expect(formatHash(hashId(text))).toBe(hash)
  })

  it.each(hashes.filter(({ question }) => question.text !== undefined))(
    'agrees with the second reader: $name',
    ({ question, answer }) => {
      const text = question.text!.repeat(question.times ?? 1)
      const hash = hashId(text)
      expect(formatHash(hash)).toBe(answer.hash)
      expect(membershipOf(hash).toString(16).padStart(16, '0')).toBe(answer.membership)
      expect(bucketOf(hash)).toBe(answer.bucket)
      expect(bucketOfId(text)).toBe(answer.bucket)
      expect(stripeOfBucket(answer.bucket)).toBe(answer.stripe)
      expect(stripeOfId(text)).toBe(answer.stripe)
    },
  )

  it('has vectors that the second reader checked against the published figure too', () => {
    expect(hashes.map(({ answer }) => answer.smhasherVerification).filter(Boolean)).toEqual(['b3ece62a'])
    expect(hashes.length).toBeGreaterThanOrEqual(40)
  })

  it('reads bytes wherever they lie in their buffer', () => {
    const bytes = new TextEncoder().encode('..user.alice.....and more')
    const expected = formatHash(hashId('user.alice'))
    expect(formatHash(murmur3x86x128(bytes.subarray(2, 12)))).toBe(expected)
    expect(formatHash(murmur3x86x128(bytes.slice(2, 12)))).toBe(expected)
  })

  it('leaves no trace of a longer id in the next shorter one', () => {
    const fresh = formatHash(hashId('short'))
    hashId('a much longer id that fills the scratch well beyond the next'.repeat(40))
    hashId('ünïcödé'.repeat(300))
    expect(formatHash(hashId('short'))).toBe(fresh)
  })

  it('hashes to its end what is longer than all before it', () => {
    // Each asks for more room than the one before.
    for (const [unit, times] of Object.entries({ a: 20_000, '\uffff': 40_000, '\u{10ffff}': 80_000 })) {
      const text = unit.repeat(times)
      const hash = formatHash(hashId(text))
      expect(hash).toBe(formatHash(murmur3x86x128(new TextEncoder().encode(text))))
    }
    const hashes = Array.from({ length: 18 }, (_, more) =>
      formatHash(murmur3x86x128(new Uint8Array(1_000_000 + more))),
    )
    expect(hashes).toEqual(hashes.map((_, more) => formatHash(hashId('\0'.repeat(1_000_000 + more)))))
  })

  it('hashes a text as the bytes it is encoded to: every length to 70, a strange unit at every place', () => {
    for (let length = 0; length <= 70; length++) {
      const text = Array.from({ length }, (_, index) => String.fromCharCode(1 + ((index * 37) % 127))).join(
        '',
      )
      const texts = [text]
      for (let at = 0; at < length; at++) {
        for (const unit of ['\u0080', '\u07ff', '\uffff', '\ud800']) {
          texts.push(text.slice(0, at) + unit + text.slice(at + 1))
        }
      }
      for (const each of texts) {
        const expected = formatHash(murmur3x86x128(new TextEncoder().encode(each)))
        expect(formatHash(hashId(each)), JSON.stringify(each)).toBe(expected)
      }
    }
  })

  it('hashes into the array it is given', () => {
    const out = new Uint32Array(4)
    expect(hashId('user.alice', out)).toBe(out)
    expect(formatHash(out)).toBe(formatHash(hashId('user.alice')))
  })

  it('spreads ids that count up over all stripes evenly: each of 64 stripes within 5 sigma', () => {
    const counts = new Uint32Array(STRIPE_COUNT)
    const ids = 64_000
    for (let index = 0; index < ids; index++) counts[stripeOfId(`user.${index}`)]!++
    const mean = ids / STRIPE_COUNT
    for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean))
  })
})
