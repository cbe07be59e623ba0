import type { Writer } from './writer.ts'

/**
 * Stretches of a script in which several things must come together: each alone is common, and all of them in this order
 * would be rare. What happens in between, and when, is drawn.
 */
export type Shape = (writer: Writer) => void

/** One client that awaits nothing, on one id; others may look meanwhile [P84]. */
export const burst: Shape = (writer) => {
  const { random } = writer
  const process = writer.process()
  const id = writer.id()
  for (let count = 2 + random.below(3); count > 0; count--) {
    writer.write(process, id)
    if (random.chance(0.3)) writer.add({ do: 'turns', count: 1 + random.below(3) })
    if (random.chance(0.3)) writer.read(process, id)
  }
  for (let count = 1 + random.below(3); count > 0; count--) {
    writer.pass(1, 10, 20, 120)
    writer.read(process, id)
  }
}

/** An own write that the archive does not have yet is overtaken by another process' one, whose put may be lost [P85]. */
export const overtake: Shape = (writer) => {
  const { random } = writer
  const [own, other] = writer.two()
  const id = writer.id()
  writer.put(own, id, 'log')
  writer.flush(own)
  writer.pass(20, 120, 300)
  if (random.chance(0.7)) {
    const how = random.pick(['forgotten', 'unanswered'] as const)
    writer.add({ do: 'lose-puts', process: other, count: 1 + random.below(2), how })
  }
  // More often than one call is tried again, and not so often that the archive is no longer asked.
  if (random.chance(0.5)) writer.add({ do: 'fail-commit', process: own, when: 'before', count: 4 })
  writer.write(own, id, random.pick(['log', 'memory']))
  writer.pass(1, 20)
  writer.put(other, id, 'archive')
  // Until the next poll has been through.
  for (let count = 10 + random.below(20); count > 0; count--) {
    writer.pass(5, 10, 20)
    writer.read(own, id, random.pick(['local', 'shared']))
  }
}

/** Somebody stands still, while others may write what it has in hand. */
export const freeze: Shape = (writer) => {
  const { random } = writer
  const process = writer.process()
  const id = writer.id()
  if (random.chance(0.5)) writer.write(process, id)
  writer.freeze(process)
  for (let count = random.below(4); count > 0; count--) {
    writer.write(writer.process(), random.chance(0.7) ? id : writer.id())
  }
  writer.pass(20, 300, 900, 3_000, 6_000)
  writer.thaw(process)
  if (random.chance(0.7)) writer.read(process, id)
}

/** Wall clocks are set wrong, used, and mostly set right again [P67]. */
export const jumpClocks: Shape = (writer) => {
  const { random } = writer
  const skewMs = writer.hours()
  const all = writer.processes()
  for (const process of random.chance(0.3) ? all : [writer.process()]) {
    writer.add({ do: 'set-clock', process, skewMs })
    if (random.chance(0.7)) writer.write(process)
  }
  writer.pass(20, 300, 900)
  if (random.chance(0.4)) return
  for (const process of all) writer.add({ do: 'set-clock', process, skewMs: writer.skew() })
}

/** A process is cut off, and what the others write meanwhile is no longer in the ledger when it is back [P63]. */
export const sleepThrough: Shape = (writer) => {
  const process = writer.process()
  writer.add({ do: 'reach', process, isReachable: false })
  for (let count = 3; count > 0; count--) writer.write()
  writer.pass(3_000)
  writer.add({ do: 'collect', ageMs: 1 }, { do: 'reach', process, isReachable: true })
  writer.pass(300, 900, 5_000)
  writer.readEverything(process, 'local')
}

/** The archive goes back while some are asleep, some are dead and some go on; then it is written as much as before [P65, P88]. */
export const restore: Shape = (writer) => {
  const { random, variant } = writer
  const all = writer.processes()
  const asleep = all.filter(() => random.chance(0.5))
  const dead = variant.isExclusive ? all : all.filter((each) => !asleep.includes(each) && random.chance(0.7))
  const write = (batches: number): void => {
    for (let batch = 0; batch < batches; batch++) {
      const process = random.pick(dead.length > 0 && random.chance(0.7) ? dead : all)
      for (let count = 1 + random.below(3); count > 0; count--) writer.write(process)
      writer.flush(process)
      writer.pass(20, 150, 300)
    }
  }
  const lost = 1 + random.below(3)
  writer.add({ do: 'back-up' })
  write(lost)
  if (random.chance(0.7)) for (const process of asleep) writer.readEverything(process, 'local')
  writer.pass(300, 600)
  for (const process of asleep) writer.freeze(process)
  for (const process of dead) {
    if (random.chance(0.3)) writer.write(process)
    writer.kill(process)
  }
  writer.add({ do: 'restore', back: random.pick([0, 0, 0, 1, 2]) })
  if (random.chance(0.5)) writer.pass(1, 300, 900)
  for (const process of dead) writer.add({ do: 'start', process })
  writer.pass(300, 900, 3_000)
  write(lost + random.below(3))
  for (const process of asleep) writer.thaw(process)
  for (let count = 3; count > 0; count--) {
    writer.pass(1, 60, 300, 900)
    for (const process of all) writer.readEverything(process)
  }
}

/** A cache comes back as it was before the last writes. */
export const setBack: Shape = (writer) => {
  const { random } = writer
  const cache = writer.cache()
  writer.add({ do: 'dump', cache })
  for (let count = random.below(4); count > 0; count--) {
    writer.write()
    writer.flush()
    writer.pass(20, 150, 300)
  }
  writer.pass(20, 300, 900)
  writer.add({ do: 'set-back', cache, isSeen: random.chance(0.4) })
  for (let count = 1 + random.below(3); count > 0; count--) {
    for (const process of writer.processes()) writer.readEverything(process, random.pick(['local', 'shared']))
    writer.pass(1, 20, 120, 300, 900)
  }
}
