export { mysqlArchive, type MysqlArchiveOptions } from './mysql-archive.ts'
export type { SqlArchive } from '../relational-archive.ts'
