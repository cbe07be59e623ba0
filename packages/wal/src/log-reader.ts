import type { FileSystem } from '@se/core'
import { SequenceReleased } from './errors.ts'
import type { GroupWriter } from './group-writer.ts'
import type { LogLife } from './log-life.ts'
import type { Progress } from './progress.ts'
import type { Releases } from './releases.ts'
import { replaySegment, type LogRecord } from './replay.ts'
import type { SealedSegments } from './sealed-segments.ts'
import { checkSequence } from './sequence.ts'

export interface LogReaderPorts {
  readonly fileSystem: Pick<FileSystem, 'open'>
  readonly directory: string
  readonly life: Pick<LogLife, 'isClosed' | 'whyNot'>
  readonly progress: Pick<Progress, 'lastSequence' | 'releasedThrough'>
  readonly sealed: Pick<SealedSegments, 'find' | 'oldest'>
  readonly writer: Pick<GroupWriter, 'active'>
  readonly releases: Pick<Releases, 'startReading' | 'stopReading'>
}

/** Reads the records of a log that is open, over all its segments. */
export class LogReader {
  readonly #ports: LogReaderPorts

  constructor(ports: LogReaderPorts) {
    this.#ports = ports
  }

  /** The oldest record that can be read; one past the last if there is none. */
  get oldestSequence(): number {
    const { sealed, writer } = this.#ports
    return sealed.oldest?.firstSequence ?? writer.active.firstSequence
  }

  /** The records from a sequence on. @see Log.replay */
  async *replay(
    from: number = this.#ports.progress.releasedThrough + 1,
  ): AsyncGenerator<LogRecord, void, undefined> {
    const { fileSystem, directory, life, progress, releases } = this.#ports
    if (life.isClosed) throw life.whyNot()
    const through = progress.lastSequence
    checkSequence('from', from, 1, through + 1)
    const oldest = this.oldestSequence
    if (from < oldest) {
      throw new SequenceReleased(`record ${from} is released and gone; the oldest is ${oldest}`, {
        details: { from, oldestSequence: oldest },
      })
    }
    if (from > through) return
    const reader = releases.startReading(this.#segmentWith(from).id)
    try {
      for (let sequence = from; sequence <= through;) {
        const segment = this.#segmentWith(sequence)
        reader.segmentId = segment.id
        const last = Math.min(through, segment.lastSequence)
        for await (const group of replaySegment(fileSystem, directory, segment, sequence, last)) {
          yield* group
          // From then on another process may use the files again.
          if (life.isClosed && group.at(-1)!.sequence < through) throw life.whyNot()
        }
        sequence = last + 1
      }
    } catch (error) {
      // What is met after closing says nothing about this log.
      throw life.isClosed ? life.whyNot() : error
    } finally {
      releases.stopReading(reader)
    }
  }

  #segmentWith(sequence: number): { id: number; firstSequence: number; lastSequence: number } {
    const { sealed, writer, progress } = this.#ports
    const { id, firstSequence } = writer.active
    if (sequence >= firstSequence) return { id, firstSequence, lastSequence: progress.lastSequence }
    return sealed.find(sequence)!
  }
}
