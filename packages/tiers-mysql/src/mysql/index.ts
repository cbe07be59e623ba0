export { mysqlArchive, type MysqlArchiveOptions } from './mysql-archive.ts'
