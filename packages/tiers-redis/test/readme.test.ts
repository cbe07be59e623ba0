import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fieldsMarkdown } from '@se/core'
import { optionsTableIn } from '@se/core/testing'
import { dropPrefix, uniquePrefix } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { expect, it } from 'vitest'
import { OPTIONS } from '../src/options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)

it('the README has the table of the options as the code has it [P77]', () => {
  expect(optionsTableIn(readme, 'redisCache')).toBe(fieldsMarkdown(OPTIONS))
})

/** Goal: what the README shows runs, and prints what its comments say. Each block runs as a program of its own. */
describeWithServer('redis', 'README', (url) => {
  it('has a code block', () => expect(blocks.length).toBeGreaterThan(0))

  it.each(blocks)('runs and prints what its comments say: %#', async (code) => {
    const prefix = uniquePrefix()
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--conditions=@se/source', '--input-type=module-typescript', '--eval', code],
        {
          cwd: fileURLToPath(new URL('..', import.meta.url)),
          env: { ...process.env, REDIS_URL: url, REDIS_PREFIX: prefix },
        },
      )
      const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
      expect(said.length).toBeGreaterThan(0)
      expect(stdout.trimEnd().split('\n')).toEqual(said)
    } finally {
      await dropPrefix(url, prefix)
    }
  })
})
