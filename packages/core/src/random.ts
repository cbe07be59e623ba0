import { toHex } from './bytes.ts'

/** Randomness as a port: tests pass a seeded one, production the operating system's. */
export interface Random {
  /** `length` random bytes, unpredictable in production. */
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  fraction(): number
}

/**
 * A name that no other process draws, as lower-case hex.
 *
 * @param length bytes: the name has twice as many digits. Of 8 bytes or more none is drawn twice
 */
export function randomHex(random: Pick<Random, 'bytes'>, length: number): string {
  return toHex(random.bytes(length))
}
