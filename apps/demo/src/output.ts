import { styleText } from 'node:util'

/** Where a command prints. Colours only where the stream is a terminal that wants them. */
export interface Output {
  /** Starts a part of the run. */
  section(title: string): void
  line(text?: string): void
  /** Rows whose columns stand under each other; the last column is not padded. */
  table(rows: readonly (readonly string[])[]): void
  /** Something that is not as it should be. */
  problem(text: string): void
}

const INDENT = '  '

export function createOutput(stream: NodeJS.WriteStream = process.stdout): Output {
  const write = (text: string) => void stream.write(`${text}\n`)
  return {
    section: (title) => write(`\n${styleText('bold', title, { stream })}`),
    line: (text = '') => write(text === '' ? '' : indented(text)),
    table: (rows) => {
      for (const line of alignColumns(rows)) write(indented(line))
    },
    problem: (text) => write(indented(styleText('red', `FAILED: ${text}`, { stream }))),
  }
}

/** @returns one line a row, columns padded to their widest cell */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, INDENT)
}
