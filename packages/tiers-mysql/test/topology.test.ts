import { describe, expect, it } from 'vitest'
import {
  behindMsOf,
  ENCODING_PROBE,
  idleMsMax,
  isolationStatement,
  isOn,
  isReadOnly,
  patienceStatement,
  planSession,
  readBackStatement,
  readOnlyExpression,
  sessionFaults,
  topologyOf,
} from '../src/mysql/topology.ts'

const rows = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }))

const mariaDb = topologyOf(
  rows({
    version: '10.11.19-MariaDB-log',
    wsrep_on: 'OFF',
    tx_isolation: 'SERIALIZABLE',
    read_only: 'OFF',
    innodb_read_only: 'OFF',
    idle_write_transaction_timeout: '0',
    idle_transaction_timeout: '0',
    idle_readonly_transaction_timeout: '0',
    in_predicate_conversion_threshold: '1000',
  }),
)
const galera = topologyOf(rows({ version: '11.4.2-MariaDB', wsrep_on: 'ON', read_only: 'OFF' }))
const mysql = topologyOf(
  rows({
    version: '8.4.3',
    version_comment: 'MySQL Community Server - GPL',
    transaction_isolation: 'REPEATABLE-READ',
    read_only: 'OFF',
    super_read_only: 'OFF',
    innodb_read_only: 'OFF',
  }),
)
const group = topologyOf(
  rows({
    version: '8.4.3',
    transaction_isolation: 'READ-COMMITTED',
    group_replication_group_name: '8a94f357-aab4-11df-86ab-c80aa9429444',
    group_replication_consistency: 'EVENTUAL',
  }),
)

const vitess = topologyOf(
  rows({
    version: '8.0.30-Vitess',
    version_comment: 'Version: 21.0.0',
    transaction_isolation: 'REPEATABLE-READ',
    read_only: 'OFF',
    super_read_only: 'OFF',
    innodb_read_only: 'OFF',
  }),
)

describe('what kind of server it is', () => {
  it('is told by its variables', () => {
    expect([mariaDb, galera, mysql, group].map(({ isMariaDb, cluster }) => [isMariaDb, cluster])).toEqual([
      [true, 'none'],
      [true, 'galera'],
      [false, 'none'],
      [false, 'group-replication'],
    ])
    expect(topologyOf([])).toMatchObject({ isMariaDb: false, cluster: 'none', readOnlyVariables: [] })
    expect([mariaDb, galera, mysql, group, vitess].map(({ isVitess }) => isVitess)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ])
    expect(topologyOf(rows({ version: '8.0.34-PlanetScale' })).isVitess).toBe(true)
  })

  it('says how long it may only be behind: a node of a cluster for long, any other so shortly that two doubts fit in 2 s [P78] [P65]', () => {
    for (const clustered of [galera, group]) expect(behindMsOf(clustered)).toBeGreaterThanOrEqual(1_000)
    for (const alone of [mariaDb, mysql, topologyOf([])]) {
      expect(behindMsOf(alone)).toBeGreaterThanOrEqual(200)
      expect(2 * behindMsOf(alone)).toBeLessThanOrEqual(1_000)
    }
  })

  it('only variables that it has are asked whether it can be written [P69]', () => {
    expect(readOnlyExpression(mariaDb)).toBe("concat_ws(',', @@global.read_only, @@global.innodb_read_only)")
    expect(readOnlyExpression(mysql)).toContain('@@global.super_read_only')
    expect(readOnlyExpression(topologyOf([]))).toBe("''")
  })

  it.each([
    ['0,0', false],
    ['', false],
    ['OFF,0', false],
    ['0,1', true],
    ['ON', true],
    ['NO_LOCK_NO_ADMIN', true],
  ])('%j: cannot be written: %s [P69]', (values, expected) => {
    expect(isReadOnly(values)).toBe(expected)
  })

  it('a value is on in whatever words', () => {
    expect(['1', 'ON', 'on', 1, 'TRUE'].every(isOn)).toBe(true)
    expect(['0', 'OFF', 0, '', ' ', undefined, null, 'false'].some(isOn)).toBe(false)
  })
})

describe('what a session must be [P47, P68, P78]', () => {
  const limits = { lockWaitSeconds: 5 }

  it.each([
    ['MariaDB', mariaDb],
    ['Galera', galera],
    ['MySQL', mysql],
    ['Group Replication', group],
    ['Vitess', vitess],
  ])('%s: what is set is what is read back', (_title, topology) => {
    const plan = planSession(topology, limits)
    const read = Object.fromEntries(plan.expected)
    const good: Record<string, unknown> = { ...read, probe: ENCODING_PROBE.hex }
    expect(sessionFaults(plan, good)).toEqual([])
    for (const name of plan.expected.keys()) {
      expect(sessionFaults(plan, { ...good, [name]: 'something else' })).toEqual([name])
      expect(readBackStatement(topology, plan)).toContain(`@@session.${name} AS`)
      if (name !== topology.isolationVariable) expect(plan.statements.at(-1)).toContain(`SESSION ${name} = `)
    }
    expect(sessionFaults(plan, { ...good, probe: 'C3A93F' })).toEqual(['the encoding of texts'])
    expect(sessionFaults(plan, { ...good, sql_mode: 'NO_ENGINE_SUBSTITUTION,STRICT_ALL_TABLES' })).toEqual([])
  })

  it('a cluster is asked for causality, and nobody else', () => {
    expect(planSession(galera, limits).expected.get('wsrep_sync_wait')).toBe(1)
    expect(planSession(group, limits).expected.get('group_replication_consistency')).toBe('BEFORE')
    for (const topology of [mariaDb, mysql]) {
      const names = [...planSession(topology, limits).expected.keys()]
      expect(names).not.toContain('wsrep_sync_wait')
      expect(names).not.toContain('group_replication_consistency')
    }
  })

  it('who is silent within a transaction is ended soon, a scan only late', () => {
    expect(planSession(mariaDb, limits).expected.get('idle_write_transaction_timeout')).toBe(3)
    expect(planSession(mysql, limits).expected.get('wait_timeout')).toBe(10)
    expect(patienceStatement(mariaDb, true)).toContain('SESSION idle_readonly_transaction_timeout = 600')
    expect(patienceStatement(mariaDb, false)).toContain('SESSION idle_readonly_transaction_timeout = 3')
    expect(patienceStatement(mariaDb, true)).toContain('SESSION idle_write_transaction_timeout = 3')
    expect(patienceStatement(mysql, true)).toBe('SET SESSION wait_timeout = 600')
    expect(patienceStatement(mysql, false)).toBe('SET SESSION wait_timeout = 10')
    expect(idleMsMax(mysql)).toBeLessThan(10_000)
    expect(idleMsMax(mariaDb)).toBeLessThan(600_000)
  })

  it('Vitess is asked for nothing that it does not take, and stays READ COMMITTED [P47]', () => {
    const { expected } = planSession(vitess, limits)
    for (const name of ['wait_timeout', 'collation_connection']) {
      expect([planSession(mysql, limits).expected.has(name), expected.has(name)]).toEqual([true, false])
    }
    expect(expected.get('character_set_results')).toBe('utf8mb4')
    expect(expected.get('transaction_isolation')).toBe('READ-COMMITTED')
    expect([patienceStatement(vitess, true), patienceStatement(vitess, false)]).toEqual([
      undefined,
      undefined,
    ])
    expect(idleMsMax(vitess)).toBeLessThan(600_000)
    expect(isolationStatement(vitess, 'REPEATABLE READ')).toBe(
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    )
    expect(isolationStatement(mysql, 'REPEATABLE READ')).toBe(
      'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    )
  })
})
