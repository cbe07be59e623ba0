// Goal: for each command of a client, the decision that the profile's server would take.
import { beforeEach, describe, expect, test } from 'vitest'
import { EmulatedSession, type Decision } from './emulated-session.ts'
import { COMMANDS, queryPayload } from './packets.ts'
import { PROFILES, type ProfileName } from './profiles.ts'

let nowMs: number
let isDemoted: boolean
let conflicts: number[]
let uses: string[]
let commitCount: number

beforeEach(() => {
  nowMs = 0
  isDemoted = false
  conflicts = []
  uses = []
  commitCount = 0
})

function open(name: ProfileName) {
  const profile = PROFILES[name]
  const session = new EmulatedSession(profile, {
    nowMs: () => nowMs,
    isDemoted: () => isDemoted,
    onUse: (rule) => uses.push(rule.name),
    onCommit() {
      commitCount += 1
      return conflicts.includes(commitCount) ? profile.conflicts[0] : undefined
    },
  })
  const say = (text: string) => told(session.command(queryPayload(text)))
  return { session, say }
}

/** Text that the server gets, or number of the error, with `!` where it rolls back first. */
function told(decision: Decision): string {
  if (decision.kind === 'pass') return decision.payload.toString('utf8', 1)
  return `${decision.error.errno}${decision.rollsBack ? '!' : ''}`
}

const allRules = Object.values(PROFILES).flatMap((profile) =>
  profile.rules.map((rule) => [profile.name, rule] as const),
)

describe('rules', () => {
  test.each(allRules.map(([profile, rule]) => [`${profile}: ${rule.name}`, profile, rule] as const))(
    '%s is noticed, asked for at once or prepared, in any case',
    (_title, profile, rule) => {
      const { session, say } = open(profile)
      const expected = rule.error === undefined ? undefined : String(rule.error.errno)
      for (const text of [rule.example, rule.example.toLowerCase()]) {
        if (expected !== undefined) expect(say(text)).toBe(expected)
        else expect(Number(say(text))).toBeNaN()
        const prepare = Buffer.concat([Buffer.from([COMMANDS.prepare]), Buffer.from(text)])
        if (expected !== undefined) expect(told(session.command(prepare))).toBe(expected)
        else session.command(prepare)
      }
      expect(uses).toEqual(Array.from({ length: 4 }, () => rule.name))
      expect(rule.source).not.toBe('')
    },
  )

  test('what only looks like one passes, and is not noted', () => {
    for (const name of Object.keys(PROFILES) as ProfileName[]) {
      const { say } = open(name)
      for (const text of [
        "INSERT INTO t VALUES ('get_lock(1)', 'FOR SHARE')",
        'SELECT id FROM t WHERE id = 1 FOR UPDATE',
        'SELECT kill, lock_tables, returning FROM t',
        'START TRANSACTION',
        'COMMIT',
        'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
      ]) {
        expect(say(text)).toBe(text)
      }
    }
    expect(uses).toEqual([])
  })
})

describe('texts are changed where MariaDB has another word for it', () => {
  test('variables are those of the profile', () => {
    const { say } = open('tidb')
    const text = say("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version')")
    expect(text).toMatch(
      /^SELECT \* FROM \(SELECT .*'8\.0\.11-TiDB-v8\.5\.0' AS Value.*\) AS profile_variables/,
    )
    expect(text).toMatch(/ WHERE Variable_name IN \('version'\)$/)
    expect(say('SELECT @@session.transaction_isolation, @@global.tidb_super_read_only')).toBe(
      'SELECT @@session.tx_isolation, 0',
    )
  })

  test('Vitess takes the next transaction for the session, and does not take every setting', () => {
    const { say } = open('vitess')
    expect(say('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')).toBe(
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    )
    expect(say('SET SESSION sql_mode = 1, SESSION wait_timeout = 10')).toBe(
      'SET SESSION sql_mode = 1, @se_ignored = 10',
    )
    expect(say('SELECT @@session.wait_timeout')).toBe('SELECT 28800')
  })

  test('Group Replication has a setting that MariaDB has not', () => {
    const { say } = open('group-replication')
    expect(say("SET SESSION group_replication_consistency = 'BEFORE'")).toBe("SET @se_consistency = 'BEFORE'")
    expect(say('SELECT @@session.group_replication_consistency')).toBe('SELECT @se_consistency')
  })
})

describe('conflicts', () => {
  test('meet a transaction that wrote, at its COMMIT; then nothing is left to be committed', () => {
    const { say } = open('galera')
    conflicts = [1]
    say('START TRANSACTION')
    say('SELECT 1 FOR UPDATE')
    expect(say('COMMIT')).toBe('COMMIT')
    say('START TRANSACTION')
    say('UPDATE t SET a = 1')
    expect(say('COMMIT')).toBe('1213!')
    expect(say('COMMIT')).toBe('COMMIT')
    say('BEGIN')
    say('DELETE FROM t')
    expect(say('COMMIT')).toBe('COMMIT')
    expect(commitCount).toBe(2)
  })

  test('meet a write that is its own transaction', () => {
    const { say } = open('tidb')
    conflicts = [2]
    expect(say('DELETE FROM a')).toBe('DELETE FROM a')
    expect(say('DELETE FROM b')).toBe('9007')
  })

  test('meet no transaction that was rolled back, or committed by a change of tables', () => {
    const { say } = open('group-replication')
    conflicts = [1]
    for (const end of ['ROLLBACK', 'CREATE TABLE t (a INT)']) {
      say('START TRANSACTION')
      say('DELETE FROM t')
      say(end)
      expect(say('COMMIT')).toBe('COMMIT')
    }
    expect(commitCount).toBe(0)
  })
})

describe('limits', () => {
  const prepare = (session: EmulatedSession, text: string, parameterCount: number) => {
    session.command(Buffer.concat([Buffer.from([COMMANDS.prepare]), Buffer.from(text)]))
    session.answered(Buffer.from([0, 7, 0, 0, 0, 0, 0, parameterCount, 0, 0, 0, 0]))
  }
  /** An execution of statement 7 with values that are bytes. */
  const execution = (...lengths: readonly number[]) =>
    Buffer.concat([
      Buffer.from([COMMANDS.execute, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, ...lengths.flatMap(() => [252, 0])]),
      ...lengths.map((bytes) => {
        const value = Buffer.alloc(9 + bytes)
        value[0] = 0xfe
        value.writeBigUInt64LE(BigInt(bytes), 1)
        return value
      }),
    ])
  const MIB = 2 ** 20

  test('TiDB takes a row of 6 MiB and no byte more, in a statement of any size', () => {
    const { session } = open('tidb')
    prepare(session, 'INSERT INTO t VALUES (?, ?)', 2)
    expect(session.command(execution(6 * MIB, 6 * MIB)).kind).toBe('pass')
    expect(told(session.command(execution(1, 6 * MIB + 1)))).toBe('8025')
    prepare(session, 'SELECT ?, ?', 2)
    expect(session.command(execution(1, 6 * MIB + 1)).kind).toBe('pass')
  })

  test('TiDB takes 100 MiB in one transaction', () => {
    const { session, say } = open('tidb')
    prepare(session, 'INSERT INTO t VALUES (?, ?)', 2)
    const write = execution(5 * MIB, 5 * MIB)
    say('START TRANSACTION')
    for (let count = 0; count < 9; count++) expect(session.command(write).kind).toBe('pass')
    expect(told(session.command(write))).toBe('8004')
    say('ROLLBACK')
    say('START TRANSACTION')
    expect(session.command(write).kind).toBe('pass')
  })

  test('a transaction of more than 20 s is rolled back on Vitess, and its client told at each statement', () => {
    const { say } = open('vitess')
    say('START TRANSACTION')
    nowMs = 20_000
    expect(say('DELETE FROM t')).toBe('DELETE FROM t')
    nowMs = 20_001
    expect(say('DELETE FROM t')).toBe('1105!')
    expect(say('DELETE FROM t')).toBe('1105')
    expect(say('COMMIT')).toBe('1105')
    expect(say('ROLLBACK')).toBe('ROLLBACK')
    expect(say('DELETE FROM t')).toBe('DELETE FROM t')
    nowMs = 90_000
    expect(say('START TRANSACTION')).toBe('START TRANSACTION')
    nowMs = 120_000
    expect(say('COMMIT')).toBe('1105!')
    expect(say('START TRANSACTION')).toBe('START TRANSACTION')
    expect(say('COMMIT')).toBe('COMMIT')
  })

  test('other servers let it last', () => {
    const { say } = open('galera')
    say('START TRANSACTION')
    nowMs = 1e9
    expect(say('COMMIT')).toBe('COMMIT')
  })
})

describe('a server that was demoted', () => {
  test('refuses writes and changes of tables, and commits none that it had taken', () => {
    const { say } = open('aurora')
    say('START TRANSACTION')
    say('DELETE FROM t')
    isDemoted = true
    expect(say('COMMIT')).toBe('1290!')
    expect(say('DELETE FROM t')).toBe('1290')
    expect(say('CREATE TABLE t (a INT)')).toBe('1290')
    expect(say('SELECT 1')).toBe('SELECT 1')
    expect(say('START TRANSACTION')).toBe('START TRANSACTION')
    expect(say('COMMIT')).toBe('COMMIT')
    expect(say('SELECT @@global.innodb_read_only')).toBe('SELECT CAST(COALESCE(@se_demoted, 0) AS UNSIGNED)')
  })
})

test('a statement that was closed is not known any more', () => {
  const { session } = open('tidb')
  session.command(Buffer.concat([Buffer.from([COMMANDS.prepare]), Buffer.from('DELETE FROM t')]))
  session.answered(Buffer.from([0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
  const execute = Buffer.from([COMMANDS.execute, 7, 0, 0, 0, 0, 1, 0, 0, 0])
  session.command(execute)
  expect(commitCount).toBe(1)
  session.command(Buffer.from([COMMANDS.close, 7, 0, 0, 0]))
  session.command(execute)
  expect(commitCount).toBe(1)
})

test('a transaction may be ended while its client is silent', () => {
  const { session, say } = open('vitess')
  expect(session.leftMs).toBeUndefined()
  say('START TRANSACTION')
  nowMs = 5_000
  expect([session.leftMs, session.endIfLate()]).toEqual([15_000, false])
  nowMs = 20_001
  expect([session.leftMs, session.endIfLate(), session.endIfLate()]).toEqual([-1, true, false])
  expect(session.leftMs).toBeUndefined()
  expect(say('COMMIT')).toBe('1105')
  expect(say('ROLLBACK')).toBe('ROLLBACK')
})
