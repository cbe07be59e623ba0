/** Randomness as a port: tests pass a seeded one, production the operating system's. */
export interface Random {
  /** `length` random bytes, unpredictable in production. */
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  fraction(): number
}
