/** Each rule of the archive broken once; the suites, on SQLite and on a real MariaDB, must notice. */
const DECISIONS = { test: 'test/decisions.test.ts' }
const JUDGE = { test: 'test/judge-cut.test.ts' }
const TABLE = { test: 'test/error-table.test.ts' }
const TOPOLOGY = { test: 'test/topology.test.ts' }
const POOL = { test: 'test/pool.test.ts' }
const INSTALL = { test: 'test/install.test.ts' }
const SIZES = { test: 'test/statement-sizes.property.test.ts' }
const CLOCK = { test: 'test/clock.test.ts', title: 'SQLite' }
const SQLITE = { test: 'test/sqlite.contract.test.ts', title: 'exclusive' }
const SQLITE_OWN = { test: 'test/sqlite.test.ts' }
const SHARED = { test: 'test/sqlite-shared.test.ts' }
const LARGEST = { test: 'test/limits.test.ts', title: 'SQLite' }
const MARIADB = { test: 'test/mariadb.contract.test.ts' }
const GOLDEN = { test: 'test/statements.golden.test.ts' }
const FAULTS = { test: 'test/mariadb.faults.test.ts' }
const LOCKS = { test: 'test/mariadb.locks.test.ts' }
const SERVER = { test: 'test/mariadb.server.test.ts' }

export const mutants = [
  // Newest stamp wins [W3], floors [W4], stamps ahead [P67].
  {
    file: 'src/plan-batch.ts',
    find: 'if (order < 0) return supersededBy(header.stamp, nowMs)',
    replace: '',
    ...SQLITE,
  },
  {
    file: 'src/plan-batch.ts',
    find: 'stamp.time <= collectionFloor',
    replace: 'stamp.time < collectionFloor',
    ...SQLITE,
  },
  {
    file: 'src/plan-batch.ts',
    find: '> nowMs + STAMP_AHEAD_MS_MAX',
    replace: '> nowMs + STAMP_AHEAD_MS_MAX - 1',
    ...DECISIONS,
  },
  { file: 'src/plan-batch.ts', find: ' || stamp.time <= recordedTime', replace: '', ...CLOCK },
  {
    file: 'src/plan-batch.ts',
    find: 'header.stamp.time + stampTimeOf(STAMP_AHEAD_MS_MAX)',
    replace: 'Infinity',
    ...SQLITE,
  },
  {
    file: 'src/plan-batch.ts',
    find: 'isFromFuture: isAhead(by, nowMs)',
    replace: 'isFromFuture: false',
    ...SQLITE,
  },
  {
    file: 'src/meta.ts',
    find: "'update')) >= floor) return",
    replace: "'update')) > 2 ** 60) return",
    ...SQLITE,
  },
  // Whatever the clock says: the floor follows what is collected, and the ledger is pruned [P67].
  {
    file: 'src/upkeep.ts',
    find: 'Math.min(beforeMs, nowMs)',
    replace: 'beforeMs',
    ...SQLITE,
  },
  {
    file: 'src/upkeep.ts',
    find: 'const floor = found.reduce((newest, { time }) => Math.max(newest, time), 0)',
    replace: 'const floor = limitTime',
    ...SQLITE,
  },
  { file: 'src/ledger.ts', find: ' && row.committed_at <= row.now_ms', replace: '', ...CLOCK },
  {
    file: 'src/instances.ts',
    find: ".where('seen_at', '>', nowMs + FUTURE_MS_MAX)",
    replace: ".where('seen_at', '>', 2 ** 50)",
    ...CLOCK,
  },
  // A batch once [W5], by whoever holds the instance [P52], in sequence [P53], known by its link [P92, P95].
  {
    file: 'src/put-batch.ts',
    find: "      .where('epoch', '=', batch.claim.epoch)\n",
    replace: '',
    ...SQLITE,
  },
  {
    file: 'src/put-batch.ts',
    find: "      .where('nonce', '=', batch.claim.nonce)\n",
    replace: '',
    ...SQLITE,
  },
  {
    file: 'src/put-batch.ts',
    find: "      .where('last_sequence', '=', sequence - 1)\n",
    replace: '',
    ...SQLITE,
  },
  { file: 'src/take-sequence.ts', find: 'own.epoch !== epoch || ', replace: '', ...SQLITE },
  { file: 'src/take-sequence.ts', find: 'if (actual !== link)', replace: 'if (false)', ...SQLITE },
  {
    file: 'src/take-sequence.ts',
    find: 'if (lastSequence < sequence) throw',
    replace: 'if (false) throw',
    test: 'test/take-sequence.test.ts',
  },
  { file: 'src/resolve-fate.ts', find: 'order < 0', replace: 'false', ...SQLITE },
  // Histories are told apart by their links [P65, P88].
  {
    file: 'src/judge-cut.ts',
    find: 'else if (link !== position.link)',
    replace: 'else if (false)',
    ...JUDGE,
  },
  {
    file: 'src/judge-cut.ts',
    find: 'if (link !== position.link) return',
    replace: 'if (false) return',
    ...SQLITE,
  },
  { file: 'src/claim.ts', find: ' || link === memory.lastLink', replace: ' || true', ...SQLITE },
  {
    file: 'src/claim-instance.ts',
    find: 'plan.hasGoneBack ? standingAt(plan.lastSequence, newLink) : {}',
    replace: 'plan.hasGoneBack ? { last_sequence: plan.lastSequence } : {}',
    ...SQLITE,
  },
  // Retirement: only what nobody needs, with a word in the ledger [P80, P94].
  {
    file: 'src/instances.ts',
    find: "    .whereRef('pruned_sequence', '=', 'last_sequence')\n",
    replace: '',
    ...SQLITE,
  },
  { file: 'src/instances.ts', find: "    .where('number', '!=', claim.instance)\n", replace: '', ...SQLITE },
  {
    file: 'src/judge-cut.ts',
    find: "if (sequenceAt(from, instance) < sequence) return 'pruned'",
    replace: '',
    ...JUDGE,
  },
  {
    file: 'src/claim-instance.ts',
    find: "  if (row.number > lastNumber) await writeMeta(session, dialect, 'last_number', String(row.number))\n",
    replace: '',
    ...SQLITE,
  },
  // A row inserted since we looked [P39]; who looks, locks.
  {
    file: 'src/mysql/item-table.ts',
    find: "'version = IF(VALUES(version) = 1, NULL, VALUES(version))'",
    replace: "'version = VALUES(version)'",
    ...FAULTS,
  },
  {
    file: 'src/mysql/item-table.ts',
    find: ' ORDER BY id FOR UPDATE',
    replace: ' ORDER BY id',
    ...LOCKS,
    title: 'P89',
  },
  {
    file: 'src/put-batch.ts',
    find: '      .modifyEnd(dialect.forShare)\n',
    replace: '',
    ...LOCKS,
    title: 'P90',
  },
  // One dialect changed without the other, and order on which locks rely.
  { file: 'src/mysql/dialect.ts', find: 'sql`lock in share mode`', replace: 'sql``', ...GOLDEN },
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
    find: '      await endSession(connection, mark)\n',
    replace: '',
    ...FAULTS,
  },
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
    find: "  dialect.checkWritable(rows[0]?.read_only ?? '')\n",
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
    find: 'export const IDLE_WRITE_SECONDS = 3',
    replace: 'export const IDLE_WRITE_SECONDS = 60',
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
  // Reads in one snapshot [P55].
  {
    file: 'src/mysql/database.ts',
    find: 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    replace: 'DO 0',
    ...MARIADB,
    title: 'P55',
  },
  {
    file: 'src/sqlite/database.ts',
    find: 'this.isExclusive && this.#isWriting',
    replace: 'false',
    ...SQLITE_OWN,
  },
  {
    file: 'src/sqlite/database.ts',
    find: "database.pragma('synchronous = FULL')",
    replace: '',
    ...SQLITE_OWN,
  },
  // The tree: one folds at a time [P30], pages and cut together.
  {
    file: 'src/fold-tree.ts',
    find: "readTreeCut(session, dialect, 'update')",
    replace: 'readTreeCut(session, dialect)',
    ...MARIADB,
    title: 'several processes fold',
  },
  {
    file: 'src/fold-tree.ts',
    find: '  await writeTreeCut(session, dialect, heads.cut)\n',
    replace: '',
    ...SQLITE,
  },
  // Gaps [P63]. That a cut below `pruned_sequence` is a gap is seen twice: the rows are missing, too.
  { file: 'src/tail.ts', find: 'rowCount !== expected', replace: 'false', ...SQLITE_OWN },
  {
    file: 'src/claim.ts',
    find: 'numbered.epoch > memory.epoch',
    replace: 'numbered.epoch > memory.epoch + 1',
    ...SQLITE,
  },
  {
    file: 'src/ledger-row.ts',
    find: 'buffer.readUInt32BE(2) !== columns.instance',
    replace: 'false',
    test: 'test/ledger-row.test.ts',
  },
  {
    file: 'src/ledger-row.ts',
    find: 'readLink(buffer, 22) !== columns.link',
    replace: 'false',
    test: 'test/ledger-row.test.ts',
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
]
