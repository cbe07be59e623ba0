import { lock } from './mutants/lock.ts'

/** Deliberate defects of the log, and the test that notices each: `npm run mutants -- --only wal`. */
const POWER_CUTS = 'test/power-cut.sim.test.ts'
const EVERY_CUT = { test: POWER_CUTS, title: 'a power cut at every call' }
const CORRUPTION = 'test/corruption.test.ts'
const FAULTS = 'test/faults.test.ts'
const LOG = 'src/log.test.ts'
const ADVERSARY = 'test/adversary.test.ts'

export const mutants = [
  ...lock,
  // acknowledged before it is durable [W1]
  {
    file: 'src/group-commit.ts',
    find: 'if (call.isDurable === isDurable) call.resolve(sequence)',
    replace: 'call.resolve(sequence)',
    ...EVERY_CUT,
  },
  // a durable group is written to the page cache alone [W1]
  {
    file: 'src/group-writer.ts',
    find: 'if (isThrough) await active.handle.writeThrough(buffers, position)',
    replace: 'if (isThrough) await active.handle.write(buffers, position)',
    ...EVERY_CUT,
  },
  // writing one group through is taken for a sync of those before it
  {
    file: 'src/group-writer.ts',
    find: 'const isThrough = mustSync && (isFirst || active.durableBytes === active.offset)',
    replace: 'const isThrough = mustSync',
    ...EVERY_CUT,
  },
  // the name of a new segment is not made durable
  {
    file: 'src/segment-files.ts',
    find: `this.#path(segmentId))
      await this.#fileSystem.syncDirectory(this.#directory)`,
    replace: 'this.#path(segmentId))',
    ...EVERY_CUT,
  },
  // the directory itself is not made durable
  {
    file: 'src/open-log.ts',
    find: 'if (isNew) await fileSystem.syncDirectory(dirname(directory))',
    replace: 'if (isNew) await Promise.resolve()',
    ...EVERY_CUT,
  },
  // what a killed process renamed is built upon before it is durable
  {
    file: 'src/open-log.ts',
    find: 'else await fileSystem.syncDirectory(directory)',
    replace: '',
    test: POWER_CUTS,
    title: 'random lives',
  },
  // the header of a prepared segment is not synced
  {
    file: 'src/segment-files.ts',
    find: 'await handle.syncData()\n      return handle',
    replace: 'return handle',
    ...EVERY_CUT,
  },
  // a short write is taken for a whole one
  {
    file: 'src/segment-handle.ts',
    find: 'if (done < bytes) await',
    replace: 'if (done < 0) await',
    test: FAULTS,
  },
  // a group of an earlier use of the file is accepted
  {
    file: 'src/format.ts',
    find: `if (view.getUint32(offset, true) !== GROUP_MAGIC) return undefined
  if (getU64(view, offset + 8) !== segmentId) return undefined`,
    replace: 'if (view.getUint32(offset, true) !== GROUP_MAGIC) return undefined',
    test: 'src/scan.test.ts',
  },
  // the chain of groups is not looked at
  {
    file: 'src/scan.ts',
    find: '|| header.previousCrc !== position.previousCrc',
    replace: '',
    test: 'src/scan.test.ts',
  },
  // the checksum of a group is not looked at
  {
    file: 'src/group.ts',
    find: 'if (crc32(bytes.subarray(offset, end - 4)) !== commit.crc) return undefined',
    replace: '',
    test: CORRUPTION,
  },
  // damage in the middle is taken for a torn tail, and cut [P10]
  {
    file: 'src/scan.ts',
    find: 'if (durableBytes > end) {',
    replace: 'if (durableBytes < 0) {',
    test: CORRUPTION,
  },
  // a torn tail is taken for damage
  {
    file: 'src/scan.ts',
    find: 'if (durableBytes > end) {',
    replace: 'if (follows.length > 0) {',
    ...EVERY_CUT,
  },
  // a file that was cut short is taken for whole
  {
    file: 'src/survey.ts',
    find: 'if (bytes.length < header.segmentBytes) {',
    replace: 'if (bytes.length < 0) {',
    test: CORRUPTION,
    title: 'truncation of every file',
  },
  // a failed sync is tried again [P9]
  {
    file: 'src/group-writer.ts',
    find: 'await active.handle.sync()',
    replace: 'await active.handle.sync().catch(() => active.handle.sync())',
    test: FAULTS,
  },
  // a failed write-through is tried again [P9]
  {
    file: 'src/group-writer.ts',
    find: 'if (isThrough) await active.handle.writeThrough(buffers, position)',
    replace: `if (isThrough) {
      await active.handle.writeThrough(buffers, position).catch(() => active.handle.writeThrough(buffers, position))
    }`,
    test: FAULTS,
  },
  // after a failure in the background, appends are still acknowledged
  {
    file: 'src/log-life.ts',
    find: "if (this.#state === 'open') this.#state = 'failed'",
    replace: '',
    test: FAULTS,
  },
  // the last groups are trusted though only the page cache may have them
  {
    file: 'src/recovery.ts',
    find: 'if (survey.last !== undefined && torn === undefined) await secureEnd',
    replace: 'if (survey.last === undefined) await secureEnd',
    test: POWER_CUTS,
    title: 'random lives',
  },
  // they are synced, but not written again after a sync that failed
  {
    file: 'src/recovery.ts',
    find: 'await writeFully(handle, bytes, offset)',
    replace: 'await Promise.resolve([handle, bytes, offset])',
    test: POWER_CUTS,
    title: 'random lives',
  },
  // the segment before is left without a sync, while its header's successor says that it is durable
  {
    file: 'src/group-writer.ts',
    find: 'if (left.durableBytes < left.offset) await this.sync()',
    replace: '',
    ...EVERY_CUT,
  },
  // after a short write, buffers are written from the wrong place
  {
    file: 'src/segment-handle.ts',
    find: 'Buffer.concat(buffers).subarray(done)',
    replace: 'Buffer.concat(buffers)',
    test: 'src/segment-handle.test.ts',
  },
  // when changing segments, the next one is lost and the one before closed twice if closing it fails
  {
    file: 'src/group-writer.ts',
    find: `    const { lastSequence } = progress
    this.#active = {`,
    replace: `    await left.handle.close()
    const { lastSequence } = progress
    this.#active = {`,
    test: FAULTS,
  },
  // calls that a full disk turns away go behind those that came later
  {
    file: 'src/admission.ts',
    find: "this.#waitOrRefuse(waiting, 'disk', true)",
    replace: "this.#waitOrRefuse(waiting, 'disk', false)",
    test: FAULTS,
  },
  // what a replay meets after closing is taken for the log's
  {
    file: 'src/log-reader.ts',
    find: 'throw life.isClosed ? life.whyNot() : error',
    replace: 'throw error',
    test: ADVERSARY,
  },
  // a segment that was released before it was full is never freed
  {
    file: 'src/group-writer.ts',
    find: 'sealed.release(progress.releasedThrough, clock.monotonicMs())',
    replace: '',
    test: LOG,
  },
  // what is held back does not count for bytesMax
  { file: 'src/sealed-segments.ts', find: 'this.#heldBytes += segment.usedBytes', replace: '', test: LOG },
  // a reader that ends, or a timer, touches the directory after closing
  { file: 'src/releases.ts', find: 'this.#isStopped = true', replace: '', test: ADVERSARY },
  // the directory is let go of while a segment is being prepared or freed
  {
    file: 'src/close-log.ts',
    find: 'await Promise.all([supply.stop(), releases.stop()])',
    replace: 'void Promise.all([supply.stop(), releases.stop()])',
    test: ADVERSARY,
  },
  // a segment is freed before a later one tells of the release
  {
    file: 'src/group-writer.ts',
    find: 'return this.#ports.progress.durableRelease >= through && this.#active.durableBytes > 0',
    replace: 'return this.#ports.progress.durableRelease >= through',
    ...EVERY_CUT,
  },
  // a sync of a segment without a group counts as one that tells of the release
  {
    file: 'src/group-writer.ts',
    find: 'if (active.durableBytes < offset && offset > SEGMENT_HEADER_BYTES) {',
    replace: 'if (active.durableBytes < offset) {',
    test: ADVERSARY,
    title: 'a segment without a group',
  },
  // a segment is freed before its release is durable at all [W2]
  {
    file: 'src/releases.ts',
    find: 'if (!(await commit.makeReleaseDurable(segment.lastSequence))) return false',
    replace: 'await Promise.resolve()',
    test: POWER_CUTS,
    title: 'random lives',
  },
  // freeing goes on after one segment could not be freed
  {
    file: 'src/group-commit.ts',
    find: `    const { life, writer } = this.#ports
    if (life.failure !== undefined) throw life.failure`,
    replace: '    const { writer } = this.#ports',
    test: FAULTS,
  },
  // room does not come back [P4]
  { file: 'src/progress.ts', find: 'this.#backlog.release(this.#releasedThrough)', replace: '', test: LOG },
  // a segment that is being read is used again
  {
    file: 'src/sealed-segments.ts',
    find: "if (reader.segmentId <= segment.id) return { kind: 'keep' }",
    replace: "if (reader.segmentId < 0) return { kind: 'keep' }",
    test: LOG,
  },
  // released segments are not held for the delay
  {
    file: 'src/sealed-segments.ts',
    find: 'if (delayMs > 0) return',
    replace: 'if (delayMs > Infinity) return',
    test: LOG,
  },
  // control groups are written behind the end of a full segment
  {
    file: 'src/append-queue.ts',
    find: 'if (recordCount === 0 && call.isControl && !room.hasControlRoom) break',
    replace: '',
    test: ADVERSARY,
  },
  // a spare file of an earlier life of the directory is used for a segment with the same id
  {
    file: 'src/segment-files.ts',
    find: 'if (read.segmentId >= oldestId) {',
    replace: 'if (read.segmentId < 0) {',
    test: ADVERSARY,
  },
  // the directory is let go of while a write is under way
  { file: 'src/close-log.ts', find: 'await commit.underWay\n', replace: '', test: ADVERSARY },
  // parents that were created are not made durable
  {
    file: 'src/open-log.ts',
    find: 'for (const path of missing.slice(1).reverse()) await fileSystem.syncDirectory(dirname(path))',
    replace: '',
    test: ADVERSARY,
  },
  // who waits for room does not keep the process alive [P70]
  {
    file: 'src/waiting-line.ts',
    find: 'this.#cancelTimer = this.#clock.setTimer(',
    replace: 'this.#cancelTimer = this.#clock.setBackgroundTimer(',
    test: ADVERSARY,
    title: 'no timer stays behind',
  },
  // a line that is empty keeps the process alive [P70]
  {
    file: 'src/waiting-line.ts',
    find: 'if (this.length === 0) {',
    replace: 'if (this.length < 0) {',
    test: FAULTS,
  },
  // a full disk is tried again only when somebody calls [W10]
  {
    file: 'src/admission.ts',
    find: 'if (!refused) this.#retryDisk()',
    replace: '',
    test: FAULTS,
    title: 'W10',
  },
  // what is no option of append is taken without a word [P77]
  {
    file: 'src/options.ts',
    find: "return options === undefined ? APPEND_DEFAULTS : readFields('', options, APPEND_FIELDS, refuseInput)",
    replace: 'return { urgent: options?.urgent ?? false }',
    test: 'src/options.test.ts',
  },
  // a log shows what it keeps inside instead of its figures [P77]
  {
    file: 'src/log.ts',
    find: 'return { directory: this.#parts.directory, ...this.stats(), recovery: this.recovery }',
    replace: 'return { directory: this.#parts.directory, recovery: this.recovery } as never',
    test: 'src/options.test.ts',
  },
  // what is freed while a segment is prepared is all kept
  {
    file: 'src/segment-supply.ts',
    find: 'const needsNext = this.#next === undefined && this.#preparing.running === undefined',
    replace: 'const needsNext = this.#next === undefined',
    test: ADVERSARY,
  },
  // a group is written over the end of its segment
  {
    file: 'src/group-writer.ts',
    find: 'end <= (recordCount > 0 ? recordEndOf(active.segmentBytes) : active.segmentBytes),',
    replace: 'true,',
    test: 'src/group-writer.test.ts',
  },
  // one burst of calls makes one huge group
  {
    file: 'src/append-queue.ts',
    find: 'count === 0 ? recordRoomBytes : wantedBytes',
    replace: 'recordRoomBytes',
    test: 'src/append-queue.test.ts',
  },
  // what is queued is no load
  {
    file: 'src/bounds.ts',
    find: 'progress.bytes + sealed.heldBytes + queue.bytes',
    replace: 'progress.bytes + sealed.heldBytes',
    test: 'src/bounds.test.ts',
  },
  // a release counts as durable before a group that tells of it is
  {
    file: 'src/progress.ts',
    find: 'this.#durableRelease = this.#writtenRelease',
    replace: 'this.#durableRelease = this.#releasedThrough',
    test: 'src/progress.test.ts',
  },
  // a gap in the ids of segments is taken for none
  {
    file: 'src/sealed-segments.ts',
    find: 'segment.id === last.id + 1',
    replace: 'segment.id > last.id',
    test: 'src/sealed-segments.test.ts',
  },
  // a spare file is lost each time the disk is full
  {
    file: 'src/segment-supply.ts',
    find: 'if (spare !== undefined) this.#spares.push(spare)',
    replace: '',
    test: 'src/segment-supply.test.ts',
  },
  // a call overtakes those that wait
  {
    file: 'src/admission.ts',
    find: 'this.#waiting.reason ?? bounds',
    replace: 'bounds',
    test: 'src/admission.test.ts',
  },
  // memory of the last segment is written over by a prepared one
  {
    file: 'src/read-log.ts',
    find: '(surveyor.lastBytes === bytes ? lastBytes : bytes)',
    replace: 'bytes',
    test: CORRUPTION,
  },
  // a segment of another log is taken for one of this
  {
    file: 'src/findings.ts',
    find: 'if (logId !== undefined && reading.header.logId !== logId) {',
    replace: 'if (logId === undefined) {',
    test: 'src/survey.test.ts',
  },
  // a finding names another file than the one that is missing, or damage hides what is whole behind it
  {
    file: 'src/findings.ts',
    find: 'const file = segmentFileName(firstId - 1)',
    replace: 'const file = segmentFileName(firstId)',
    test: 'src/findings.test.ts',
  },
  {
    file: 'src/findings.ts',
    find: 'const file = segmentFileName(beforeId + 1)',
    replace: 'const file = segmentFileName(afterId - 1)',
    test: 'src/findings.test.ts',
  },
  {
    file: 'src/findings.ts',
    find: 'const [next] = follows',
    replace: 'const next = follows.at(-1)',
    test: 'src/findings.test.ts',
  },
]
