import { STRIPE_COUNT } from '@se/core/hash'

const SLOT_COUNT = 16_384

/** The slot of Redis Cluster that a stripe lies in: CRC-16 (XMODEM) of its tag. */
export function slotOfStripe(stripe: number): number {
  return SLOTS[stripe]!
}

const SLOTS = Uint16Array.from(
  { length: STRIPE_COUNT },
  (_, stripe) => crc16(String(stripe).padStart(2, '0')) % SLOT_COUNT,
)

function crc16(text: string): number {
  let crc = 0
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index) << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc
}
