import { join } from 'node:path'
import { shellQuoted, sqlQuoted } from '../format.ts'
import type { Output } from '../output.ts'
import type { Place } from '../place.ts'

/** How to look at what a run has left, in commands that fit it. @param key of the id's entry in Redis */
export function showHowToLook(place: Place, id: string, key: string | undefined, out: Output): void {
  const { archive, cache } = place
  const text = archive.kind === 'sqlite' ? 'CAST(value AS TEXT)' : 'CONVERT(value USING utf8mb4)'
  const select = `SELECT id, version, state, content_type, ${text} FROM sync_items WHERE id = ${sqlQuoted(id)};`
  const isGone = place.isTemporary && archive.kind === 'sqlite'
  if (isGone) {
    out.line(
      'This run was temporary and nothing of it is left. SE_DATA_DIR=./demo-data npm run demo keeps it; then:',
    )
  }
  const directory = isGone ? './demo-data' : place.directory
  const rows: string[][] = []
  if (archive.kind === 'sqlite') {
    const file = shellQuoted(isGone ? `${directory}/archive.sqlite` : archive.file)
    rows.push(['SQL', `sqlite3 ${file} ${shellQuoted(select)}`])
  } else {
    const { hostname, port, pathname } = new URL(archive.url)
    const at = `--host=${hostname} --port=${port || 3306} --user=… --password`
    rows.push(['SQL', `mysql ${at} ${shellQuoted(pathname.slice(1))} --execute=${shellQuoted(select)}`])
  }
  if (key !== undefined && cache.kind !== 'off') {
    const { hostname, port } = new URL(cache.url)
    if (cache.kind === 'private') {
      const serve = `redis-server --port 7379 --save '' --appendonly yes --dir ${shellQuoted(join(directory, 'redis'))}`
      rows.push(['Redis', `${serve} &`])
      rows.push(['', `redis-cli -p 7379 GET ${shellQuoted(key)}`])
    } else {
      const shownKey = isGone ? key.replace(cache.prefix, 'se:demo:') : key
      rows.push(['Redis', `redis-cli -h ${hostname} -p ${port || 6379} GET ${shellQuoted(shownKey)}`])
    }
  }
  out.table([
    ...rows,
    [
      'web pages',
      'docker compose up, then http://localhost:5540 (RedisInsight) and http://localhost:8080 (Adminer)',
    ],
  ])
}
