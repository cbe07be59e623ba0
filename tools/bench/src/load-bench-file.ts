import { pathToFileURL } from 'node:url'
import type { BenchFile } from './case.ts'

/** A bench file does not export what the runner needs; the message names the file and the export. */
export class BenchFileInvalid extends Error {
  override readonly name = 'BenchFileInvalid'
  readonly code = 'SE_BENCH_FILE_INVALID'
}

/** @throws BenchFileInvalid */
export async function loadBenchFile(file: string): Promise<BenchFile> {
  const loaded = (await import(pathToFileURL(file).href)) as Partial<BenchFile>
  if (typeof loaded.area !== 'string' || loaded.area === '') {
    throw new BenchFileInvalid(`${file}: area must be a text that is not empty`)
  }
  if (!Array.isArray(loaded.cases) || loaded.cases.length === 0) {
    throw new BenchFileInvalid(`${file}: cases must be a list that is not empty`)
  }
  const names = new Set<string>()
  for (const { case: name } of loaded.cases as BenchFile['cases']) {
    if (typeof name !== 'string' || name === '' || names.has(name)) {
      throw new BenchFileInvalid(`${file}: each case needs a name of its own, not ${JSON.stringify(name)}`)
    }
    names.add(name)
  }
  return { area: loaded.area, cases: loaded.cases as BenchFile['cases'] }
}
