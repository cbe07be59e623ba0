/**
 * How much of the memory bound cannot be given back by eviction.
 *
 * @returns 0 (all of it can) to 1 (none)
 */
export function memoryPressure(pinnedBytes: number, bytesMax: number): number {
  return clamp(pinnedBytes / bytesMax)
}

/**
 * How near the pending set is to the point where writers wait or are refused [W8]: the worse of items and
 * bytes.
 *
 * @returns 0 (empty) to 1 (at the bound)
 */
export function backpressureLevel(
  used: { readonly items: number; readonly bytes: number },
  limits: { readonly itemsMax: number; readonly bytesMax: number },
): number {
  return clamp(Math.max(used.items / limits.itemsMax, used.bytes / limits.bytesMax))
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction))
}
