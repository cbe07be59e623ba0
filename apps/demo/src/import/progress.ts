import { formatCount, formatRate } from '../format.ts'

const EVERY_MS = 100
const BAR_CELLS = 30

/** How far a phase has come, on a terminal; elsewhere nothing is shown. */
export interface Progress {
  /** @param fraction 0 to 1, where it is known */
  show(items: number, fraction: number | undefined): void
  /** Removes the bar. */
  end(): void
}

export function startProgress(phase: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show() {}, end() {} }
  const startedMs = performance.now()
  let shownAtMs = startedMs
  return {
    show(items, fraction) {
      const nowMs = performance.now()
      if (nowMs - shownAtMs < EVERY_MS) return
      shownAtMs = nowMs
      stream.write(`\r${formatProgress(phase, items, fraction, nowMs - startedMs)}\u001b[K`)
    },
    end: () => void stream.write('\r\u001b[K'),
  }
}

/** `  submit  [######....]  20 %  1,000 items  2,000 items/s` */
export function formatProgress(
  phase: string,
  items: number,
  fraction: number | undefined,
  elapsedMs: number,
): string {
  const figures = `${formatCount(items)} items  ${formatRate(items, elapsedMs)}`
  if (fraction === undefined) return `  ${phase}  ${figures}`
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_CELLS)
  const bar = '#'.repeat(filled) + '.'.repeat(BAR_CELLS - filled)
  return `  ${phase}  [${bar}]  ${Math.floor(fraction * 100)} %  ${figures}`
}
