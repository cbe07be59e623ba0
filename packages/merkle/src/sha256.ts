import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'

/**
 * SHA-256 of one run of bytes, as 32 characters with the code points 0 … 255 ("latin1", a byte a character).
 * On Node a hash that comes back as a string costs a quarter of one that comes back as a Buffer.
 */
export type Sha256 = (bytes: Uint8Array) => string

/** Fills `digest`, of an even length up to 32, with the first bytes of the SHA-256 of `bytes`. */
export type DigestInto = (bytes: Uint8Array, digest: Uint8Array) => void

/** SHA-256 in JavaScript, for browsers; Node's own takes its place through the import condition `node`. */
export const sha256: Sha256 = (bytes) => String.fromCharCode(...nobleSha256(bytes))

export const digestInto: DigestInto = (bytes, digest) => {
  digest.set(nobleSha256(bytes).subarray(0, digest.length))
}
