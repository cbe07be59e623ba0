// Records what both dialects say when the same is asked of them: SQLite really answers, and MySQL is given SQLite's answers.
import Database from 'better-sqlite3'
import { vi } from 'vitest'
import type { SqlValue } from '../src/item-row.ts'
import type { MysqlConnection } from '../src/mysql/connection.ts'
import { mysqlMigrations } from '../src/mysql/migrations.ts'
import {
  ENCODING_PROBE,
  isolationStatement,
  patienceStatement,
  planSession,
  readBackStatement,
  type Topology,
} from '../src/mysql/topology.ts'
import { planOf } from '../src/schema-check.ts'
import { SqliteConnection } from '../src/sqlite/connection.ts'
import { tableNames } from '../src/tables.ts'

/** One statement that was sent. */
export interface Statement {
  readonly text: string
  readonly values: readonly SqlValue[]
  /** Whether the same answer goes to both dialects: it does but for commands, and for storing, which each says in its own way. */
  readonly isAnswered: boolean
}

/** What SQLite answered, for MySQL to be told the same. */
export type Answers = unknown[]

/** Notes every statement of every SQLite connection from now on, until `vi.restoreAllMocks`. */
export function recordSqlite(statements: Statement[], answers: Answers): void {
  const proto = SqliteConnection.prototype
  const { all, arrays, run, begin, commit } = proto
  const command = (text: string) => void statements.push({ text, values: [], isAnswered: false })
  const answered = <T>(text: string, values: readonly SqlValue[], answer: T): T => {
    const isAnswered = !isOwnWay(text)
    statements.push({ text, values, isAnswered })
    if (isAnswered) answers.push(answer)
    return answer
  }
  vi.spyOn(proto, 'all').mockImplementation(function (this: SqliteConnection, text, values) {
    return answered(text, values, all.call(this, text, values)) as never[]
  })
  vi.spyOn(proto, 'arrays').mockImplementation(function (this: SqliteConnection, text, values) {
    return answered(text, values, arrays.call(this, text, values)) as never[]
  })
  vi.spyOn(proto, 'run').mockImplementation(function (this: SqliteConnection, text, values) {
    return answered(text, values, run.call(this, text, values))
  })
  vi.spyOn(proto, 'begin').mockImplementation(function (this: SqliteConnection, kind) {
    command(`BEGIN ${kind}`)
    begin.call(this, kind)
  })
  vi.spyOn(proto, 'commit').mockImplementation(function (this: SqliteConnection) {
    command('COMMIT')
    commit.call(this)
  })
  const { pragma, exec } = Database.prototype
  vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database.Database, text) {
    command(text)
    return exec.call(this, text)
  })
  vi.spyOn(Database.prototype, 'pragma').mockImplementation(function (
    this: Database.Database,
    source,
    options,
  ) {
    command(`PRAGMA ${source}`)
    return pragma.call(this, source, options)
  })
}

/** How storing begins in either dialect: each has statements of its own for it. */
const STORES = /^(INSERT INTO|UPDATE) sync_items /
/** What is asked of the schema is not the same in both. */
const ASKS_SCHEMA = /information_schema|sqlite_master|pragma_table_info|FROM sync_migrations/

function isOwnWay(text: string): boolean {
  return STORES.test(text) || ASKS_SCHEMA.test(text)
}

/** A connection to a server that is not there: it notes what it is sent, and answers what SQLite answered. */
export function recordingConnection(
  topology: Topology,
  statements: Statement[],
  answers: Answers,
): MysqlConnection {
  const answer = (text: string, values: readonly SqlValue[]): unknown => {
    const isAnswered = !isOwnWay(text)
    statements.push({ text, values, isAnswered })
    if (isAnswered && answers.length === 0) throw new Error(`SQLite was not asked as often: ${text}`)
    return isAnswered ? answers.shift() : schemaAnswer(text)
  }
  const command = (text: string) => {
    statements.push({ text, values: [], isAnswered: false })
    return Promise.resolve()
  }
  const plan = planSession(topology, { lockWaitSeconds: 5 })
  for (const text of plan.statements) void command(text)
  statements.push({
    text: readBackStatement(topology, plan),
    values: [ENCODING_PROBE.text],
    isAnswered: false,
  })
  const connection: Partial<MysqlConnection> = {
    session: { thread: undefined, packetBytesMax: 2 ** 26, topology },
    limits: { bytesMax: 4 * 2 ** 20, textBytesMax: 2 ** 25 },
    openedAtMs: 0,
    isEnded: false,
    onEnd: () => {},
    command,
    rows: async (text, values) => answer(text, values) as never[],
    arrays: async (text, values) => answer(text, values) as never[],
    run: async (text, values) => answer(text, values) as number,
    query: async ({ sql, parameters }) => answer(sql, parameters as readonly SqlValue[]) as never[],
    setPatience: (isScan) => command(patienceStatement(topology, isScan)!),
    isolate: (level) =>
      level === 'READ COMMITTED' ? Promise.resolve() : command(isolationStatement(topology, level)),
    destroy: () => {},
    quit: async () => {},
  }
  return connection as MysqlConnection
}

/** What a server says of tables that have just been made; before, there are none. */
function schemaAnswer(text: string): unknown {
  if (!text.includes('information_schema.COLUMNS')) return []
  const plans = mysqlMigrations
    .flatMap((migration) => migration.statements(tableNames('sync_')))
    .map(planOf)
    .filter((plan) => plan !== undefined)
  return plans.flatMap(({ table, columns }) =>
    columns.map(({ name, type, isNullable, isPrimaryKey }) => [
      table,
      name,
      type,
      isNullable ? 'YES' : 'NO',
      isPrimaryKey ? 'PRI' : '',
      null,
      '',
    ]),
  )
}

/** Side by side: what MySQL is sent, what SQLite is sent, and with which values. What was shown before is left out. */
export function sideBySide(
  mysql: readonly Statement[],
  sqlite: readonly Statement[],
  seen: Set<string>,
): readonly string[] {
  const lines: string[] = []
  const [left, right] = [groups(mysql), groups(sqlite)]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const pair = [left[index] ?? [], right[index] ?? []] as const
    const key = JSON.stringify(pair.map((group) => group.map(({ text }) => abbreviated(text))))
    if (seen.has(key) || pair.every((group) => group.length === 0)) continue
    seen.add(key)
    lines.push(...shownPair(...pair), '')
  }
  return lines
}

function shownPair(mysql: readonly Statement[], sqlite: readonly Statement[]): readonly string[] {
  const [left, right] = [shownGroup('mysql ', mysql), shownGroup('sqlite', sqlite)]
  const haveSameValues = left.length === 2 && right.length === 2 && left[1] === right[1]
  return haveSameValues ? [left[0]!, ...right] : [...left, ...right]
}

/** Each text once, with the values of its first time. */
function shownGroup(dialect: string, statements: readonly Statement[]): readonly string[] {
  const lines = new Map<string, readonly string[]>()
  for (const { text, values } of statements) {
    const line = `  ${dialect}  ${abbreviated(text)}`
    if (!lines.has(line)) lines.set(line, values.length === 0 ? [] : [`          with ${shown(values)}`])
  }
  return [...lines].flatMap(([line, values]) => [line, ...values])
}

/** What is left of a statement when it is told from others: not how many values it has. */
export function shapeOf(text: string): string {
  return abbreviated(text)
    .replace(/, … \d+ of them/g, '')
    .replace(/\?(, \?)+/g, '?')
    .replace(/\(\?\)(, \(\?\))+/g, '(?)')
    .replace(/(or \([^()]*\) ?)+|or … \d+ more/g, '')
    .replace(/limit \d+/i, 'limit')
    .replaceAll(' ', '')
    .replaceAll('((', '(')
    .replaceAll('))', ')')
}

/** Statements that are answered stand alone; what each dialect says in its own way between them stands together. */
function groups(statements: readonly Statement[]): readonly (readonly Statement[])[] {
  const result: Statement[][] = [[]]
  for (const statement of statements) {
    if (statement.isAnswered) result.push([statement], [])
    else result.at(-1)!.push(statement)
  }
  return result
}

/** White space is one blank; what repeats is counted. */
function abbreviated(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\?(, \?){15,}/g, (marks) => `?, … ${marks.split(',').length} of them`)
    .replace(
      /(\((?:\?, )+\?\))(?:, \1){3,}/g,
      (rows, row: string) => `${row}, … ${rows.split('(').length - 1} of them`,
    )
    .replace(/(or \([^()]*\) ?){4,}/g, (terms) => `or … ${terms.split('or (').length - 1} more`)
    .trim()
}

function shown(values: readonly SqlValue[]): string {
  const first = values.slice(0, 16).map((value) => {
    if (!Buffer.isBuffer(value))
      return typeof value === 'string' && value.length > 120
        ? `'${value.slice(0, 24)}…'`
        : JSON.stringify(value)
    const hex = value.subarray(0, 16).toString('hex')
    return value.length > 16 ? `x'${hex}…' of ${value.length} bytes` : `x'${hex}'`
  })
  return [...first, ...(values.length > 16 ? [`… ${values.length} of them`] : [])].join(', ')
}
