import { hash } from 'node:crypto'

/** What every tier must give back for an id. The bytes themselves are not kept: the input may be larger than memory. */
export interface ExpectedItem {
  readonly bytes: number
  /** SHA-256, 64 hex digits. */
  readonly digest: string
  /** Line that wrote it last. */
  readonly line: number
}

export function expectedItem(bytes: Uint8Array, line: number): ExpectedItem {
  return { bytes: bytes.length, digest: hash('sha256', bytes, 'hex'), line }
}

/** Whether the bytes are those that were given. */
export function isAsExpected(bytes: Uint8Array, expected: ExpectedItem): boolean {
  return bytes.length === expected.bytes && hash('sha256', bytes, 'hex') === expected.digest
}
