/** The tests that the planted bugs name. */
export const DECISIONS = { test: 'test/decisions.test.ts' }
export const JUDGE = { test: 'test/judge-cut.test.ts' }
export const TABLE = { test: 'test/error-table.test.ts' }
export const TOPOLOGY = { test: 'test/topology.test.ts' }
export const POOL = { test: 'test/pool.test.ts' }
export const INSTALL = { test: 'test/install.test.ts' }
export const SIZES = { test: 'test/statement-sizes.property.test.ts' }
export const CLOCK = { test: 'test/clock.test.ts', title: 'SQLite' }
export const SQLITE = { test: 'test/sqlite.contract.test.ts', title: 'exclusive' }
export const SQLITE_OWN = { test: 'test/sqlite.test.ts' }
export const SHARED = { test: 'test/sqlite-shared.test.ts' }
export const LARGEST = { test: 'test/limits.test.ts', title: 'SQLite' }
export const MARIADB = { test: 'test/mariadb.contract.test.ts' }
export const GOLDEN = { test: 'test/statements.golden.test.ts' }
export const FAULTS = { test: 'test/mariadb.faults.test.ts' }
export const LOCKS = { test: 'test/mariadb.locks.test.ts' }
export const SERVER = { test: 'test/mariadb.server.test.ts' }
