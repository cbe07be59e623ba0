import Database from 'better-sqlite3'
import type { CompiledQuery } from 'kysely'
import type { SqlValue } from '../item-row.ts'

/** A database connection with its prepared statements, by text. The texts are few and fixed. */
export class SqliteConnection {
  readonly database: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  /** @param busyMs how long a statement may block the event loop waiting for another process */
  constructor(file: string, busyMs: number) {
    this.database = new Database(file, { timeout: busyMs })
  }

  prepare(text: string): Database.Statement {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }

  /** Rows as arrays, which is cheaper where they are many. A text is asked for as arrays, or as objects, never both. */
  arrays<R extends readonly unknown[]>(text: string, values: readonly SqlValue[]): R[] {
    return this.prepare(text).raw(true).all(values) as R[]
  }

  all<R>(text: string, values: readonly SqlValue[]): R[] {
    return this.prepare(text).all(values) as R[]
  }

  rows<R>(query: CompiledQuery<R>): R[] {
    return this.all<R>(query.sql, query.parameters as readonly SqlValue[])
  }

  /** @returns rows changed */
  run(text: string, values: readonly SqlValue[]): number {
    return this.prepare(text).run(values).changes
  }

  begin(kind: 'IMMEDIATE' | 'DEFERRED'): void {
    this.prepare(`BEGIN ${kind}`).run()
  }

  commit(): void {
    this.prepare('COMMIT').run()
  }

  /** Does nothing where SQLite has rolled back by itself, as it does on a full disk. */
  rollback(): void {
    if (this.database.inTransaction) this.prepare('ROLLBACK').run()
  }

  close(): void {
    this.#statements.clear()
    this.database.close()
  }
}
