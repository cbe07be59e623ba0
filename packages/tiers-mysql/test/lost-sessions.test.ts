import { expect, it } from 'vitest'
import type { MysqlConnection } from '../src/mysql/connection.ts'
import { LostSessions } from '../src/mysql/lost-sessions.ts'

/** A connection to a server on which the session is still there, and KILL ends as given. */
function connectionWhere(kill: () => Promise<void>) {
  const killed: string[] = []
  const connection: Partial<MysqlConnection> = {
    rows: async <R>() => [{ ID: 7 }] as R[],
    command(text) {
      killed.push(text)
      return kill()
    },
  }
  const withConnection = (work: (connection: MysqlConnection) => Promise<void>) =>
    work(connection as MysqlConnection)
  return { killed, withConnection }
}

const answer = (errno: number) => Object.assign(new Error('x'), { errno, sqlState: 'HY000' })

it.each([
  ['it has ended', async () => undefined],
  ['it had ended by itself', () => Promise.reject(answer(1094))],
  ['nobody may end another', () => Promise.reject(answer(1095))],
  ['the server knows no KILL', () => Promise.reject(answer(1105))],
])('a lost session is told to end once, whatever the server says: %s [P61]', async (_title, kill) => {
  const lost = new LostSessions()
  lost.add({ id: 7, host: '127.0.0.1:5000' })
  const { killed, withConnection } = connectionWhere(kill)
  for (let write = 0; write < 3; write++) await lost.end(withConnection)
  expect(killed).toEqual(['KILL CONNECTION 7'])
})

it('where the connection that tells it is lost, it is told again [P61]', async () => {
  const lost = new LostSessions()
  lost.add({ id: 7, host: '127.0.0.1:5000' })
  const reset = Object.assign(new Error('x'), { code: 'ECONNRESET' })
  const broken = connectionWhere(() => Promise.reject(reset))
  await expect(lost.end(broken.withConnection)).rejects.toBe(reset)
  const whole = connectionWhere(async () => undefined)
  await lost.end(whole.withConnection)
  expect(whole.killed).toEqual(['KILL CONNECTION 7'])
})
