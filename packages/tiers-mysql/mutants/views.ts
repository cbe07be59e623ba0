import { SQLITE, SQLITE_OWN, MARIADB } from './tests.ts'

/** What snapshots, the tree and the ledger's tail hold, each broken once. */
export const views = [
  // Reads in one snapshot [P55].
  {
    file: 'src/mysql/database.ts',
    find: 'START TRANSACTION WITH CONSISTENT SNAPSHOT',
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
    find: "readTreeCut(session, 'update')",
    replace: 'readTreeCut(session)',
    ...MARIADB,
    title: 'several processes fold',
  },
  {
    file: 'src/fold-tree.ts',
    find: '  await writeTreeCut(session, heads.cut)\n',
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
]
