import { judge, type Goal } from './goals.ts'
import type { CaseResult } from './measure.ts'

/** Two decimals at most from 1 to 1,000, none above, four significant digits below: more would pretend. */
export function formatValue(value: number): string {
  if (value !== 0 && Math.abs(value) < 1)
    return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 1_000 ? 2 : 0 })
}

const formatRatio = (value: number) => (value >= 0.01 ? value.toFixed(3) : value.toPrecision(3))

/** Columns padded to their widest cell; the first is flush left, the others right. */
export function formatTable(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = [columns, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? formatValue(cell) : cell)),
  )
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  return cells
    .map((row) =>
      widths
        .map((width, column) =>
          column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One row for each peer of each case. */
export function formatResults(results: readonly CaseResult[]): string {
  return formatTable(
    ['case', 'ours', 'against', 'theirs', 'unit', 'ours/theirs', '95 %'],
    results.flatMap((result) => {
      const peers = Object.entries(result.ratios)
      if (peers.length === 0)
        return [[result.case, formatValue(result.ours), '-', '-', result.unit, '-', '-']]
      return peers.map(([name, ratio]) => [
        result.case,
        formatValue(result.ours),
        name,
        formatValue(result.against[name]!),
        result.unit,
        formatRatio(ratio.ratio),
        `${formatRatio(ratio.low)} to ${formatRatio(ratio.high)}`,
      ])
    }),
  )
}

/** One line for each goal whose case and peer were run: case, against, ratio, interval, goal, verdict. */
export function formatVerdicts(goals: readonly Goal[], results: readonly CaseResult[]): string[] {
  return goals.flatMap((goal) => {
    const ratio = results.find((result) => result.case === goal.case)?.ratios[goal.against]
    if (ratio === undefined) return []
    const bound = 'atLeast' in goal.bound ? `at least ${goal.bound.atLeast}` : `at most ${goal.bound.atMost}`
    const interval = `[${formatRatio(ratio.low)}, ${formatRatio(ratio.high)}]`
    return [
      `${goal.case} | ${goal.against} | ${formatRatio(ratio.ratio)} | ${interval} | ${bound} | ${judge(goal, ratio)}`,
    ]
  })
}
