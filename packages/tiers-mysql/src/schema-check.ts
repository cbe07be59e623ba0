/**
 * What a table must look like, read from the statement that makes it, and what is wrong with one that is there. Pure.
 */

/** A column as a database describes it. */
export interface ColumnInfo {
  readonly name: string
  /** Name of the type, without length: `bigint`, `TEXT`. */
  readonly type: string
  readonly isNullable: boolean
  readonly isPrimaryKey: boolean
  /** A row may be inserted without naming it. */
  readonly mayBeOmitted: boolean
}

/** What is wrong with a table. */
export interface TableFault {
  readonly table: string
  /** `undefined`: the table itself. */
  readonly column: string | undefined
  readonly what: string
}

export interface TablePlan {
  readonly table: string
  readonly columns: readonly Omit<ColumnInfo, 'mayBeOmitted'>[]
}

/** Reads a `CREATE TABLE` of ours: one column a line, `PRIMARY KEY` in the column's line or in one of its own. */
export function planOf(statement: string): TablePlan | undefined {
  const table = /^CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(/.exec(statement)?.[1]
  if (table === undefined) return undefined
  const keys = /^\s*PRIMARY KEY \(([^)]*)\)/m.exec(statement)?.[1]?.split(', ') ?? []
  const columns: Omit<ColumnInfo, 'mayBeOmitted'>[] = []
  for (const line of statement.split('\n').slice(1)) {
    const match = /^ {2,}([a-z_]+) ([A-Z]+)/.exec(line)
    if (match === null) continue
    const name = match[1]!
    columns.push({
      name,
      type: match[2]!.toLowerCase(),
      isNullable: !line.includes('NOT NULL'),
      isPrimaryKey: line.includes('PRIMARY KEY') || keys.includes(name),
    })
  }
  return { table, columns }
}

/** @param actual `undefined`: there is no such table */
export function faultOf(plan: TablePlan, actual: readonly ColumnInfo[] | undefined): TableFault | undefined {
  const { table } = plan
  if (actual === undefined) return { table, column: undefined, what: 'is missing' }
  const fault = (column: string, what: string): TableFault => ({ table, column, what })
  for (const wanted of plan.columns) {
    const { name } = wanted
    const found = actual.find((column) => column.name.toLowerCase() === name)
    if (found === undefined) return fault(name, 'is missing')
    if (found.type.toLowerCase() !== wanted.type) return fault(name, `is of another type than ${wanted.type}`)
    if (found.isPrimaryKey !== wanted.isPrimaryKey) {
      return fault(name, wanted.isPrimaryKey ? 'is not in the primary key' : 'is in the primary key')
    }
    if (wanted.isNullable && !found.isNullable) return fault(name, 'may not be null')
  }
  // A row could never be inserted.
  const stranger = actual.find(
    ({ name, mayBeOmitted }) =>
      !mayBeOmitted && !plan.columns.some((wanted) => wanted.name === name.toLowerCase()),
  )
  return stranger === undefined ? undefined : fault(stranger.name, 'is not one of ours, and has no default')
}
