import * as crypto from 'node:crypto'
import type { Sha256 } from './sha256.ts'

// `crypto.hash` came with Node 20.12; it takes a sixth of the time of `createHash` for 100 bytes.
/** SHA-256 by OpenSSL; `binary` is Node's older name of `latin1`, and the one its types know here. */
export const sha256: Sha256 =
  typeof crypto.hash === 'function'
    ? (bytes) => crypto.hash('sha256', bytes, 'binary')
    : (bytes) => crypto.createHash('sha256').update(bytes).digest('binary')
