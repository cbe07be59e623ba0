import { DECISIONS, JUDGE, CLOCK, SEQUENCE, SQLITE, SQLITE_OWN, FAULTS, LOCKS } from './tests.ts'

/** The rules of writes, claims, histories and upkeep, each broken once. */
export const writes = [
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
  { file: 'src/take-sequence.ts', find: 'own.epoch !== epoch || ', replace: '', ...SQLITE },
  { file: 'src/take-sequence.ts', find: 'if (actual !== link)', replace: 'if (false)', ...SQLITE },
  {
    file: 'src/take-sequence.ts',
    find: 'if (lastSequence < sequence) throw',
    replace: 'if (false) throw',
    ...SEQUENCE,
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
  // An archive that has lost its id is an error, not an empty one of 1970 [R1, P80].
  {
    file: 'src/meta.ts',
    find: "  if (row === undefined) throw factLost('archive_id')\n  return row.now_ms",
    replace: '  return row?.now_ms ?? 0',
    ...SQLITE_OWN,
  },
  {
    file: 'src/meta.ts',
    find: '  if (!/^\\d+$/.test(value) || !Number.isSafeInteger(number)) {',
    replace: '  if (value === null) {',
    ...SQLITE_OWN,
  },
  {
    file: 'src/identity.ts',
    find: 'if (facts[name] === undefined) throw factLost(name)',
    replace: 'void facts[name]',
    ...SQLITE_OWN,
  },
  {
    file: 'src/identity.ts',
    find: 'if (await isInUse(session)) {',
    replace: 'if (false) {',
    ...SQLITE_OWN,
  },
  {
    file: 'src/heads.ts',
    find: "if (first === undefined) throw factLost('archive_id')",
    replace:
      "if (first === undefined) return { cut: { archiveId: '', positions: new Map() }, prunedSequences: new Map(), nowMs: 0, instances: new Map() }",
    ...SQLITE_OWN,
  },
  {
    file: 'src/take-sequence.ts',
    find: 'return raised === 1',
    replace: 'return true',
    ...LOCKS,
    title: 'P90',
  },
  {
    file: 'src/judge-cut.ts',
    find: "if (sequenceAt(from, instance) < sequence) return 'pruned'",
    replace: '',
    ...JUDGE,
  },
  {
    file: 'src/claim-instance.ts',
    find: "  if (row.number > lastNumber) await writeMeta(session, 'last_number', String(row.number))\n",
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
  // What was collected stays deleted, whenever the floor is raised [P90, W4].
  ...[
    "      .where('epoch', '=', claim.epoch)\n      .where('nonce', '=', claim.nonce)\n      .where('attempt', '=', planned.attempt)\n",
    "      .where('attempt', '=', planned.attempt)\n",
    "      .where('last_sequence', '=', sequence - 1)\n",
    "      .where('floor', '=', planned.floor)\n",
  ].map((find) => ({ file: 'src/take-sequence.ts', find, replace: '', ...SEQUENCE })),
  {
    file: 'src/take-sequence.ts',
    find: "row('attempt', '+', 1)",
    replace: "row('attempt', '+', 0)",
    ...SEQUENCE,
  },
  {
    file: 'src/upkeep.ts',
    find: '    await runner.write((session) => raiseInstanceFloor(session, instance, floor))\n',
    replace: '    void instance\n',
    ...SQLITE,
  },
  {
    file: 'src/claim-instance.ts',
    find: "readNumber(session, 'collection_floor', 'update')",
    replace: "readNumber(session, 'collection_floor')",
    ...LOCKS,
    title: 'P90',
  },
  {
    file: 'src/claim-instance.ts',
    find: '    max_stamp: 0,\n    floor,',
    replace: '    max_stamp: 0,\n    floor: 0,',
    ...SQLITE,
  },
]
