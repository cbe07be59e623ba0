import { databases } from './mutants/databases.ts'
import { views } from './mutants/views.ts'
import { writes } from './mutants/writes.ts'

/** Each rule of the archive broken once; the suites, on SQLite and on a real MariaDB, must notice. */
export const mutants = [...writes, ...databases, ...views]
