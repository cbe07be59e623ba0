/**
 * Goal: a file can be read in one go. Method: the lines of every source are counted, tests and planted bugs left out. There is no
 * exception: data and long algorithms fit too.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { isOwn, readProjects } from './imports.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const LINES_MAX = 400
const MEDIAN_MAX = 90

const sizes = readProjects(root)
  .flatMap(({ directory }) => globSync(`${directory}/src/**/*.ts`, { cwd: root }))
  .filter((file) => isOwn(file))
  .map((file) => ({ file, lines: readFileSync(path.join(root, file), 'utf8').split('\n').length - 1 }))
  .toSorted((a, b) => a.lines - b.lines)

it(`no file of a program has more than ${LINES_MAX} lines`, () => {
  expect(sizes.length).toBeGreaterThan(200)
  expect(sizes.filter(({ lines }) => lines > LINES_MAX)).toEqual([])
})

it(`half of them have ${MEDIAN_MAX} lines at most`, () => {
  expect(sizes[Math.floor(sizes.length / 2)]!.lines).toBeLessThanOrEqual(MEDIAN_MAX)
})
