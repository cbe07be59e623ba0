import { writeFile } from 'node:fs/promises'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { describe, expect, it, vi } from 'vitest'
import { createBranchSet } from '@se/core'
import { BRANCHES } from '../src/samples.ts'
import { runDemo, withDirectory } from './run-demo.ts'

// Each test runs whole processes, and the machine may be busy with others.
vi.setConfig({ testTimeout: 120_000 })

const sha256 = (text: string) => hash('sha256', text, 'hex')

describe('import', () => {
  it('skips and names malformed lines, lets the last of repeated ids win, and ends with 2', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'items.ndjson')
      const lines = [
        '{"id":"user.é","value":{"n":12345678901234567890, "x":"é"}}',
        '{"id":"user.1","value":1',
        'not json',
        '{"id":"user.é","value":"second"}',
        '{"id":"tab\\t","value":1}',
        '',
        '{"value":[1,  2],"id":"config.a+b"}',
        `{"id":"${'x'.repeat(256)}","value":0}`,
      ]
      await writeFile(
        file,
        Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0x22, 0xff, 0x22])]),
      )
      const env = { SE_DATA_DIR: join(directory, 'data') }
      const { code, stdout, stderr } = await runDemo(['import', file, '--print-acks'], {
        hasRedis: false,
        env,
      })
      expect(stderr).toBe('')
      expect(code).toBe(2)
      expect(stdout).toContain('9 lines: 2 ids, 1 repeated, 6 skipped')
      expect(stdout).toMatch(/line 2 skipped: is not JSON/)
      expect(stdout).toMatch(/line 3 skipped: is not JSON/)
      expect(stdout).toContain('line 4 repeats user.é of line 1: the last one counts')
      expect(stdout).toContain('line 5 skipped: id: must not contain control characters')
      expect(stdout).toMatch(/line 6 skipped: is not JSON/)
      expect(stdout).toContain('line 8 skipped: id: has 256 bytes of UTF-8, the limit is 255')
      expect(stdout).toContain('line 9 skipped: is not UTF-8')
      expect(stdout).toContain(`ack user.é ${sha256('"second"')}\n`)
      expect(stdout).toContain('6 lines were skipped')

      // The bytes as they stand in the line, read by nobody's help [P16].
      const archive = sqliteArchive({ file: join(directory, 'data/archive.sqlite') })
      await archive.open({ branches: createBranchSet(BRANCHES), digests: 'keyed' })
      const found = await archive.getMany(['user.é', 'config.a+b'])
      await archive.close()
      const shown = found.map((lookup) =>
        lookup.kind === 'found'
          ? `${lookup.item.contentType} ${Buffer.from(lookup.item.bytes).toString()}`
          : lookup.kind,
      )
      expect(shown).toEqual(['application/json "second"', 'application/json [1,  2]'])
    })
  })

  it('reads standard input, packed or not, and the last of many repeated lines wins', async () => {
    const lines = Array.from(
      { length: 400 },
      (_, index) => `{"id":"user.${index % 3}","value":${index}}`,
    ).join('\n')
    const runs = await Promise.all(
      [Buffer.from(lines), gzipSync(lines)].map((stdin) =>
        runDemo(['import', '-', '--print-acks'], { hasRedis: false, stdin }),
      ),
    )
    for (const { code, stdout, stderr } of runs) {
      expect(stderr).toBe('')
      expect(stdout).toContain('400 lines: 3 ids, 397 repeated, 0 skipped')
      expect(stdout).toMatch(/^ {2}L1 .* 3 equal, 0 differ, 0 not there$/m)
      expect(stdout).toMatch(/^ {2}L3 .* 3 equal, 0 differ, 0 not there$/m)
      const acks = stdout.split('\n').filter((line) => line.startsWith('ack '))
      expect(acks).toHaveLength(400)
      for (const [id, last] of [
        ['user.0', 399],
        ['user.1', 397],
        ['user.2', 398],
      ] as const) {
        expect(acks.findLast((line) => line.startsWith(`ack ${id} `))).toBe(
          `ack ${id} ${sha256(String(last))}`,
        )
      }
      expect(code).toBe(0)
    }
  })

  it('stops where a packed file is damaged, keeps what came before, and ends with 1', async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'items.ndjson.gz')
      const lines = Array.from(
        { length: 2_000 },
        (_, index) => `{"id":"a.${index}","value":"${sha256(`${index}`)}"}\n`,
      )
      const packed = gzipSync(lines.join(''))
      await writeFile(file, packed.subarray(0, Math.floor(packed.length / 2)))
      const { code, stdout } = await runDemo(['import', file], { hasRedis: false })
      expect(code).toBe(1)
      expect(stdout).toMatch(
        /FAILED: the input is read to its end; found: after line \d+: unexpected end of file/,
      )
      const [, ids] = /lines: ([\d,]+) ids, 0 repeated, 0 skipped/.exec(stdout)!
      expect(Number(ids!.replace(',', ''))).toBeGreaterThan(500)
      expect(stdout).toMatch(new RegExp(`^  L3 .* ${ids} equal, 0 differ, 0 not there$`, 'm'))
    })
  })

  it('reads as many lines as asked for, and says when there is no such file', async () => {
    const stdin = Buffer.from('{"id":"a","value":1}\n{"id":"b","value":2}\nnot json\n')
    const limited = await runDemo(['import', '-', '--limit', '2'], { hasRedis: false, stdin })
    expect(limited.stdout).toContain('2 lines: 2 ids, 0 repeated, 0 skipped')
    expect(limited.code).toBe(0)
    const missing = await runDemo(['import', '/nowhere/items.ndjson'], { hasRedis: false })
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain('ENOENT')
  })
})
