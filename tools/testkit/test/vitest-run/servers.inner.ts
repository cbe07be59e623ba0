import { connectRedis, connectSql } from '../../src/services/connect.ts'
import { describeWithGalera, describeWithServer } from '@se/testkit/vitest'
import { expect, test } from 'vitest'

describeWithServer('sql', 'on SQL', (url) => {
  test('answers', async () => {
    const connection = await connectSql(url)
    const [rows] = await connection.query('SELECT 7 AS seven')
    connection.destroy()
    expect(rows).toEqual([{ seven: 7 }])
  })
})

describeWithServer('redis', 'on Redis', (url) => {
  test('answers', async () => {
    const client = await connectRedis(url)
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
  })
})

describeWithGalera('on Galera', () => {
  test('can be started', () => {
    expect(process.env['SE_TEST_GALERA_PROVIDER']).toMatch(/galera/)
  })
})
