import {
  TABLE,
  TOPOLOGY,
  POOL,
  INSTALL,
  SIZES,
  SQLITE_OWN,
  SHARED,
  LARGEST,
  GOLDEN,
  FAULTS,
  INCOMPATIBLE,
  SERVER,
} from './tests.ts'

/** What the databases are told and believed, each broken once: sessions, errors, limits, opening. */
export const databases = [
  // One dialect changed without the other, and order on which locks rely.
  { file: 'src/item-table.ts', find: 'coalesce(length(value), 0)', replace: 'length(value)', ...GOLDEN },
  {
    file: 'src/byte-order.ts',
    find: '< 0, fact',
    replace: '<= 2 ** 53, fact',
    test: 'test/byte-order.test.ts',
  },
  // A connection lost while it wrote is ended on the server [P61].
  {
    file: 'src/mysql/lost-sessions.ts',
    find: '        await endSession(connection, thread)\n',
    replace: '',
    ...FAULTS,
  },
  { file: 'src/mysql/database.ts', find: ' && mayKeep', replace: '', ...FAULTS, title: 'patience of a scan' },
  { file: 'src/mysql/connect.ts', find: "flags: ['-FOUND_ROWS']", replace: 'flags: []', ...FAULTS },
  // Sessions are set and read back [P47, P68], and what cannot be written is not "now" [P69].
  {
    file: 'src/mysql/topology.ts',
    find: "'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'",
    replace: "'DO 0'",
    ...FAULTS,
  },
  {
    file: 'src/mysql/connect.ts',
    find: 'if (faults.length > 0)',
    replace: 'if (false)',
    ...SERVER,
    title: 'something in between',
  },
  { file: 'src/mysql/topology.ts', find: "settings.push(['wsrep_sync_wait', 1])", replace: '', ...TOPOLOGY },
  {
    file: 'src/mysql/topology.ts',
    find: "values.split(',').some(isOn)",
    replace: "values.split(',').every(isOn)",
    ...TOPOLOGY,
  },
  {
    file: 'src/heads.ts',
    find: '  reader.dialect.checkWritable(first.read_only)\n',
    replace: '',
    ...SERVER,
    title: 'demoted',
  },
  {
    file: 'src/mysql/database.ts',
    find: "      if (verdict === 'drain') pool.drain()\n",
    replace: '',
    ...SERVER,
    title: 'demoted',
  },
  {
    file: 'src/mysql/topology.ts',
    find: 'export const IDLE_TRANSACTION_SECONDS = 3',
    replace: 'export const IDLE_TRANSACTION_SECONDS = 60',
    ...SERVER,
    title: 'frozen',
  },
  // What is not in the table is unknown, and ends the connection [P69, P72].
  {
    file: 'src/mysql/error-table.ts',
    find: 'VERDICTS.get(errno) ?? UNKNOWN',
    replace: 'VERDICTS.get(errno) ?? RETRY',
    ...TABLE,
  },
  {
    file: 'src/mysql/error-table.ts',
    find: "[1836, 'ER_READ_ONLY_MODE', DEMOTED]",
    replace: "[1836, 'ER_READ_ONLY_MODE', RETRY]",
    ...TABLE,
  },
  {
    file: 'src/sqlite/errors.ts',
    find: 'beginning.length > (best?.[0].length ?? 0)',
    replace: 'best === undefined',
    ...TABLE,
  },
  // Waiting has a bound [P71]; what is drained, old or dead is not given again.
  { file: 'src/mysql/pool.ts', find: ' || this.#drained.has(connection)', replace: '', ...POOL },
  {
    file: 'src/mysql/pool.ts',
    find: 'idleMs < this.#options.idleMsMax(connection)',
    replace: 'idleMs < Infinity',
    ...POOL,
  },
  {
    file: 'src/mysql/pool.ts',
    find: '    for (const connection of this.#inUse) connection.destroy()\n',
    replace: '',
    ...POOL,
  },
  {
    file: 'src/sqlite/turnstile.ts',
    find: '        reject(noTurnError(this.#waitMsMax))\n',
    replace: '',
    ...SHARED,
    title: 'visitor',
  },
  // Statements are bounded in bytes and terms [P73].
  {
    file: 'src/statement-sizes.ts',
    find: 'export const CONDITIONS_MAX = 64',
    replace: 'export const CONDITIONS_MAX = 4_000',
    ...LARGEST,
    title: 'short-lived',
  },
  {
    file: 'src/statement-sizes.ts',
    find: '+ filled <= limits.bytesMax',
    replace: '<= limits.bytesMax',
    ...SIZES,
  },
  {
    file: 'src/statement-sizes.ts',
    find: 'size * rowTextBytes <= limits.textBytesMax',
    replace: 'true',
    ...SIZES,
  },
  {
    file: 'src/mysql/item-table.ts',
    find: 'isFilled = part.length === 1 && needsFilling(part[0]!)',
    replace: 'isFilled = false',
    test: 'test/limits.test.ts',
    title: '16 MiB, where',
  },
  {
    file: 'src/mysql/connection.ts',
    find: 'if (bytes <= packetBytesMax || packetBytesMax === 0) return',
    replace: 'return',
    test: 'test/mariadb.private.test.ts',
  },
  // Opening [P79].
  {
    file: 'src/runner.ts',
    find: "this.judge(error).kind === 'conflict'",
    replace: 'false',
    ...SHARED,
    title: 'four processes',
  },
  { file: 'src/install.ts', find: 'if (newer.length > 0)', replace: 'if (false)', ...INSTALL },
  {
    file: 'src/install.ts',
    find: '  checkTables(access, await access.columns(), { areRequired: true })\n',
    replace: '',
    ...INSTALL,
  },
  {
    file: 'src/install.ts',
    find: 'if (missing.length > 0) checkTables(',
    replace: 'if (false) checkTables(',
    ...INSTALL,
  },
  {
    file: 'src/prefix-plugin.ts',
    find: 'name.slice(TABLE_PREFIX_DEFAULT.length)',
    replace: 'name',
    ...INSTALL,
  },
  {
    file: 'src/sqlite/database.ts',
    find: 'const WAL_BYTES_MAX = 64 * 2 ** 20',
    replace: 'const WAL_BYTES_MAX = -1',
    ...SHARED,
    title: 'cut to its limit',
  },
  // commits go into a file that was removed or replaced while it was open [W1]
  {
    file: 'src/sqlite/file-identity.ts',
    find: 'if (identityOf(this.#path) !== this.#opened) throw fileMovedError()',
    replace: 'if (identityOf(this.#path) === undefined) throw fileMovedError()',
    ...SQLITE_OWN,
  },
  // A node of a cluster answers with what it has, however old [P78].
  {
    file: 'src/mysql/topology.ts',
    find: "settings.push(['wsrep_sync_wait', 1])",
    replace: "settings.push(['wsrep_sync_wait', 0])",
    test: 'test/galera.test.ts',
    title: 'behind',
  },
  // Who opens while others do fails at the first conflict [P79].
  {
    file: 'src/relational-archive.ts',
    find: 'await this.#runner.retried(async () => {\n          await this.#database.open()\n          await this.#database.install()\n        })',
    replace: 'await this.#database.open()\n        await this.#database.install()',
    test: 'test/galera.test.ts',
    title: 'six opens',
  },
  // A server that lacks something is believed at once when its first answer took long [P91].
  {
    file: 'src/runner.ts',
    find: 'let doubtedSinceMs: number | undefined',
    replace: 'let doubtedSinceMs: number | undefined = clock.monotonicMs()',
    test: 'test/runner.test.ts',
  },
  // A node of a cluster is believed as soon as a server that stands alone [P78].
  {
    file: 'src/mysql/topology.ts',
    find: "return cluster === 'none' ? BEHIND_MS_ALONE : BEHIND_MS_OF_CLUSTER",
    replace: 'return cluster.length > 0 ? BEHIND_MS_ALONE : BEHIND_MS_OF_CLUSTER',
    test: 'test/topology.test.ts',
  },
  // A limit that was raised a moment ago is taken for a refusal [P73].
  {
    file: 'src/mysql/database.ts',
    find: 'if (!(Number(row?.packet_bytes) > connection.session.packetBytesMax)) return undefined',
    replace: 'if (Number(row?.packet_bytes) >= 0) return undefined',
    test: 'test/mariadb.server.test.ts',
    title: 'limits that were raised',
  },
  // What is too large for the server is sent again and again, as if its limit had been raised [P73].
  {
    file: 'src/mysql/database.ts',
    find: 'if (!(Number(row?.packet_bytes) > connection.session.packetBytesMax)) return undefined',
    replace: 'if (!(Number(row?.packet_bytes) > 0)) return undefined',
    test: 'test/mariadb.server.test.ts',
    title: 'costs no connection',
  },
  // A server that is not MariaDB: conflicts that are its own, settings that it does not take, a scope that it does not keep.
  {
    file: 'src/mysql/error-table.ts',
    find: "[9007, 'TiDB: a conflict', REDO]",
    replace: "[9007, 'TiDB: a conflict', RETRY]",
    ...INCOMPATIBLE,
    title: 'every one of them is redone',
  },
  {
    file: 'src/mysql/error-table.ts',
    find: 'hasLost ? REDO : (VERDICTS.get(errno) ?? UNKNOWN)',
    replace: 'VERDICTS.get(errno) ?? UNKNOWN',
    ...TABLE,
  },
  { file: 'src/mysql/topology.ts', find: '  if (isVitess) return []\n', replace: '', ...TOPOLOGY },
  {
    file: 'src/mysql/connection.ts',
    find: '    if (topology.isVitess) this.#isolation = level\n',
    replace: '',
    ...INCOMPATIBLE,
    title: 'READ COMMITTED again',
  },
  {
    file: 'src/mysql/database.ts',
    find: "        await connection.isolate('READ COMMITTED')\n",
    replace: '',
    ...INCOMPATIBLE,
    title: 'READ COMMITTED again',
  },
  {
    file: 'src/mysql/connect.ts',
    find: 'topology.isVitess ? undefined : await',
    replace: 'await',
    ...INCOMPATIBLE,
    title: 'without a KILL',
  },
  // A server that lets nobody end another session is not written any more [P61].
  {
    file: 'src/mysql/lost-sessions.ts',
    find: 'if (!isAnswer(error)) throw error',
    replace: 'throw error',
    test: 'test/lost-sessions.test.ts',
  },
  {
    file: 'src/mysql/lost-sessions.ts',
    find: '    if (!isAnswer(error)) throw error\n',
    replace: '',
    test: 'test/lost-sessions.test.ts',
  },
]
