import { expect, test } from 'vitest'
import { kindOf, plainForm } from './statements.ts'

test.each([
  ['select  *\n from `t` ;', 'SELECT * FROM T'],
  ["select 'get_lock(''x'')', \"for \\\" share\" from t", "SELECT '', '' FROM T"],
  [
    'select 1 /* lock in share\n mode */ from t -- for share\n where a = 1 # and b',
    'SELECT 1 FROM T WHERE A = 1',
  ],
  ['select 5--1', 'SELECT 5--1'],
  ["select '', '\\\\', '\\'', \"'\", 'a#b', for share", "SELECT '', '', '', '', '', FOR SHARE"],
  ["select 'no end for share", "SELECT ''"],
  ['select 1 -- no end for share', 'SELECT 1'],
])('%j is, plainly, %j', (text, plain) => {
  expect(plainForm(text)).toBe(plain)
})

test('a string may be as long as a packet', () => {
  expect(plainForm(`INSERT INTO t VALUES ('${'x'.repeat(17 * 2 ** 20)}')`)).toBe("INSERT INTO T VALUES ('')")
})

test.each([
  ['begin', 'begin'],
  ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'begin'],
  ['COMMIT', 'commit'],
  ['rollback', 'rollback'],
  ['rollback to savepoint a', 'other'],
  ['insert into t values (?)', 'write'],
  ['REPLACE t VALUES (1)', 'write'],
  ['update t set a = 1', 'write'],
  ['delete from t', 'write'],
  ['create table t (a int)', 'schema'],
  ['select a from t for update', 'other'],
  ['set session a = 1', 'other'],
  ['beginning', 'other'],
])('%j is %s', (text, kind) => {
  expect(kindOf(plainForm(text))).toBe(kind)
})
