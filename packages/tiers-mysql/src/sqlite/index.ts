export { sqliteArchive, type SqliteArchiveOptions } from './sqlite-archive.ts'
