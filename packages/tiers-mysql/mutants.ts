/** Each rule of the archive broken once; the suites, on SQLite and on a real MariaDB, must notice. */
const DECISIONS = { test: 'test/decisions.test.ts' }
const SQLITE = { test: 'test/sqlite.contract.test.ts', title: 'exclusive' }
const SQLITE_OWN = { test: 'test/sqlite.test.ts' }
const MARIADB = { test: 'test/mariadb.contract.test.ts' }
const FAULTS = { test: 'test/mariadb.faults.test.ts' }

export const mutants = [
  // Newest stamp wins [W3], floors [W4], stamps ahead.
  {
    file: 'src/plan-batch.ts',
    find: "if (order < 0) return { kind: 'superseded', by: head.stamp }",
    replace: '',
    ...SQLITE,
  },
  {
    file: 'src/plan-batch.ts',
    find: 'write.stamp.time <= collectionFloor',
    replace: 'write.stamp.time < collectionFloor',
    ...SQLITE,
  },
  {
    file: 'src/plan-batch.ts',
    find: 'nowMs + STAMP_AHEAD_MS_MAX',
    replace: 'nowMs + STAMP_AHEAD_MS_MAX - 1',
    ...DECISIONS,
  },
  {
    file: 'src/relational-archive.ts',
    find: "'update')) >= floor) return",
    replace: "'update')) > 2 ** 60) return",
    ...SQLITE,
  },
  // A batch once [W5], by whoever holds the instance [P52], in sequence [P53].
  {
    file: 'src/put-batch.ts',
    find: "      .where('epoch', '=', batch.claim.epoch)\n",
    replace: '',
    ...SQLITE,
  },
  {
    file: 'src/put-batch.ts',
    find: "      .where('last_sequence', '=', sequence - 1)\n",
    replace: '',
    ...SQLITE,
  },
  { file: 'src/put-batch.ts', find: 'own.epoch !== epoch', replace: 'false', ...SQLITE },
  { file: 'src/put-batch.ts', find: 'own.last_sequence < sequence', replace: 'false', ...SQLITE },
  { file: 'src/settle.ts', find: 'order < 0', replace: 'false', ...SQLITE },
  // A row inserted since we looked [P39]; who looks, locks.
  {
    file: 'src/mysql/session.ts',
    find: "'version = IF(VALUES(version) = 1, NULL, VALUES(version))'",
    replace: "'version = VALUES(version)'",
    ...FAULTS,
  },
  { file: 'src/mysql/session.ts', find: ' ORDER BY id FOR UPDATE', replace: ' ORDER BY id', ...FAULTS },
  // A connection lost while it wrote is ended on the server [P61].
  { file: 'src/mysql/pool.ts', find: '        await endSession(connection, mark)\n', replace: '', ...FAULTS },
  { file: 'src/mysql/pool.ts', find: "flags: ['-FOUND_ROWS']", replace: 'flags: []', ...FAULTS },
  {
    file: 'src/mysql/pool.ts',
    find: 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    replace: 'DO 0',
    ...FAULTS,
  },
  // Reads in one snapshot [P55].
  {
    file: 'src/mysql/backend.ts',
    find: 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    replace: 'DO 0',
    ...MARIADB,
  },
  {
    file: 'src/sqlite/backend.ts',
    find: 'this.isExclusive && this.#isWriting',
    replace: 'false',
    ...SQLITE_OWN,
  },
  {
    file: 'src/sqlite/backend.ts',
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
  },
  {
    file: 'src/fold-tree.ts',
    find: '  await writeTreeCut(session, dialect, heads.cut)\n',
    replace: '',
    ...SQLITE,
  },
  // Gaps [P63], restores [P65]. That a cut below `pruned_sequence` is a gap is seen twice: the rows are missing, too.
  { file: 'src/heads.ts', find: 'rows.length !== expected', replace: 'false', ...SQLITE_OWN },
  {
    file: 'src/claim-instance.ts',
    find: 'plan.hasGoneBack ? plan.lastSequence : plan.row.pruned_sequence',
    replace: 'plan.row.pruned_sequence',
    ...SQLITE,
  },
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
]
