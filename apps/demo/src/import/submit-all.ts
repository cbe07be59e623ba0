import { InvalidInput, VALUE_BYTES_MAX } from '@se/core'
import type { Engine } from '@se/engine'
import { expectedItem, type ExpectedItem } from './expected-items.ts'
import { InFlight } from './in-flight.ts'
import type { Input } from './input.ts'
import { readLines, type Line } from './lines.ts'
import { MalformedLine, parseNdjsonLine, type NdjsonRecord } from './ndjson-line.ts'

/** Submits under way: enough to fill a group of the log, few enough to bound memory. */
const IN_FLIGHT_MAX = 512
/** The largest value, and room for an id and the rest of the line. */
const LINE_BYTES_MAX = VALUE_BYTES_MAX + 64 * 1024

export interface SubmitReport {
  /** By id, what was acknowledged last. */
  readonly expected: ReadonlyMap<string, ExpectedItem>
  readonly lines: number
  /** Items acknowledged, repeated ids counted each time, and their bytes. */
  readonly acknowledged: number
  readonly acknowledgedBytes: number
  readonly skipped: number
  readonly repeated: number
  /** Why the input could not be read to its end. */
  readonly inputError: Error | undefined
}

/** What happens on the way, line by line. */
export interface SubmitListener {
  acknowledged(id: string, item: ExpectedItem): void
  skipped(line: number, because: string): void
  repeated(line: number, id: string, earlierLine: number): void
  progress(items: number): void
}

const CONTENT_TYPE = 'application/json'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * Submits each line's value, as the bytes that stand in the line.
 *
 * The engine's own bound holds it back: at most {@link IN_FLIGHT_MAX} calls wait for room at a time. A repeated id
 * waits for its earlier write, so that the last line wins.
 *
 * @throws what the engine throws when it cannot take writes any more; what was acknowledged stays so
 */
export async function submitAll(
  engine: Engine,
  input: Input,
  limit: number,
  listener: SubmitListener,
): Promise<SubmitReport> {
  const expected = new Map<string, ExpectedItem>()
  const underWay = new Map<string, Promise<void>>()
  const inFlight = new InFlight(IN_FLIGHT_MAX)
  const counts = { lines: 0, acknowledged: 0, acknowledgedBytes: 0, skipped: 0, repeated: 0 }
  let inputError: Error | undefined
  let failure: unknown
  const skip = (line: number, because: string) => {
    counts.skipped++
    listener.skipped(line, because)
  }

  const submit = async (id: string, bytes: Uint8Array, item: ExpectedItem): Promise<void> => {
    try {
      await engine.submit(id, bytes, { contentType: CONTENT_TYPE })
    } catch (error) {
      if (error instanceof InvalidInput) skip(item.line, error.message)
      else failure ??= error
      return
    }
    counts.acknowledged++
    counts.acknowledgedBytes += item.bytes
    const earlier = expected.get(id)
    if (earlier !== undefined) {
      counts.repeated++
      listener.repeated(item.line, id, earlier.line)
    }
    expected.set(id, item)
    listener.acknowledged(id, item)
    listener.progress(counts.acknowledged)
  }

  try {
    for await (const line of readLines(input.chunks, LINE_BYTES_MAX)) {
      counts.lines++
      const record = recordOf(line, skip)
      if (record !== undefined) {
        await underWay.get(record.id)
        await inFlight.room()
        const bytes = encoder.encode(record.valueText)
        const call = submit(record.id, bytes, expectedItem(bytes, line.number)).finally(() =>
          underWay.delete(record.id),
        )
        underWay.set(record.id, call)
        inFlight.add(call)
      }
      if (failure !== undefined || counts.lines >= limit) break
    }
  } catch (error) {
    inputError = error instanceof Error ? error : new Error(String(error))
  }
  await inFlight.idle()
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- as the engine threw it
  if (failure !== undefined) throw failure
  return { expected, ...counts, inputError }
}

function recordOf(
  { number, bytes }: Line,
  skip: (line: number, because: string) => void,
): NdjsonRecord | undefined {
  if (bytes === undefined) {
    skip(number, `is longer than ${LINE_BYTES_MAX} bytes`)
    return undefined
  }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    skip(number, 'is not UTF-8')
    return undefined
  }
  try {
    return parseNdjsonLine(text)
  } catch (error) {
    if (!(error instanceof MalformedLine)) throw error
    skip(number, error.message)
    return undefined
  }
}
