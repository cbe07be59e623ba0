export { sqliteArchive, type SqliteArchiveOptions } from './sqlite-archive.ts'
export type { SqlArchive } from '../relational-archive.ts'
