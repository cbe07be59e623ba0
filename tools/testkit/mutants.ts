/** Deliberate defects, most of them of the checker of histories, and the test that notices each: `npm run mutants -- --only testkit`. */
const PLANTED = 'src/history/check-history.test.ts'
const VALID = 'src/history/check-history.property.test.ts'

export const mutants = [
  // an own write is demanded of nobody [W1]
  {
    file: 'src/history/floors.ts',
    find: "this.#addOwn(operation, id, mark, level !== 'memory')",
    replace: '',
    test: PLANTED,
  },
  // what only the writer knows is demanded of all
  {
    file: 'src/history/floors.ts',
    find: "if (level === 'archive') add(",
    replace: 'add(',
    test: VALID,
  },
  // what had level `memory` is demanded of the next process
  {
    file: 'src/history/floors.ts',
    find: '(mark.life < life && mark.isDurable)',
    replace: 'mark.life < life',
    test: VALID,
  },
  // nothing is demanded of the next process
  {
    file: 'src/history/floors.ts',
    find: ' || (mark.life < life && mark.isDurable)',
    replace: '',
    test: PLANTED,
  },
  // a write at level `archive` that was read is taken for pending
  {
    file: 'src/history/floors.ts',
    find: "return level === 'log' || (level === 'memory' && life === reader.life)",
    replace: 'return life === reader.life',
    test: PLANTED,
  },
  // a flush proves what was acknowledged while it ran
  {
    file: 'src/history/floors.ts',
    find: 'const own = this.own(operation, id, operation.beganUs)',
    replace: 'const own = this.own(operation, id, operation.endedUs)',
    test: PLANTED,
  },
  // `source` may be as old as the others
  {
    file: 'src/history/check-history.ts',
    find: 'isSource ? beganUs : beganUs - this.#stalenessUs',
    replace: 'beganUs - this.#stalenessUs',
    test: PLANTED,
  },
  // every read must be as new as `source`
  {
    file: 'src/history/check-history.ts',
    find: 'isSource ? beganUs : beganUs - this.#stalenessUs',
    replace: 'beganUs',
    test: VALID,
  },
  // a deaf process is excused whatever it answers
  {
    file: 'src/history/check-history.ts',
    find: 'operation.isDeaf === true && isOwnWrite && isAbove(own)',
    replace: 'operation.isDeaf === true',
    test: PLANTED,
  },
  // a deaf process is not excused
  {
    file: 'src/history/check-history.ts',
    find: 'operation.isDeaf === true && isOwnWrite && isAbove(own)',
    replace: 'false',
    test: VALID,
  },
  // any delete explains an absence
  {
    file: 'src/history/writes.ts',
    find: 'if (write.stamp !== undefined) return !isNewer(floor.stamp, write.stamp)',
    replace: 'if (write.stamp !== undefined) return true',
    test: PLANTED,
  },
  // a delete without an answer explains nothing
  {
    file: 'src/history/writes.ts',
    find: 'return bound === undefined || isNewer(bound, floor.stamp)',
    replace: 'return false',
    test: VALID,
  },
  // a delete without an answer explains an absence for ever
  {
    file: 'src/history/writes.ts',
    find: 'return bound === undefined || isNewer(bound, floor.stamp)',
    replace: 'return true',
    test: PLANTED,
  },
  // a mark of the very moment counts already
  {
    file: 'src/history/rising-floor.ts',
    find: '(mark) => mark.atUs >= us',
    replace: '(mark) => mark.atUs > us',
    test: PLANTED,
  },
  // a replica that stands still counts as up to date
  {
    file: 'src/services/redis-replication.ts',
    find: 'if (isLinked && written !== undefined && applied >= written) return',
    replace: 'if (isLinked && written !== undefined) return',
    test: 'src/services/redis-replication.test.ts',
  },
  // … and one that has not come yet
  {
    file: 'src/services/redis-replication.ts',
    find: "const isLinked = info.includes('master_link_status:up')",
    replace: 'const isLinked = true',
    test: 'src/services/redis-replication.test.ts',
    title: 'counts nothing',
  },
  // any node may begin the cluster again, whatever it lacks
  {
    file: 'src/services/galera-state.ts',
    find: 'positions.findIndex(({ sequence }) => sequence === newest)',
    replace: 'positions.findIndex(({ sequence }) => sequence <= newest)',
    test: 'src/services/galera-state.test.ts',
  },
  // an address that moves takes its connections along
  {
    file: 'src/fault-proxy.ts',
    find: '      targetPorts = checkedPorts(ports)\n',
    replace: '      targetPorts = checkedPorts(ports)\n      cut()\n',
    test: 'src/fault-proxy.test.ts',
    title: 'retarget',
  },
  // The nodes of a cluster that are left give up each other together with the one that is gone.
  {
    file: 'src/services/galera.ts',
    find: "'evs.install_timeout': 'PT9S'",
    replace: "'evs.install_timeout': 'PT3S'",
    test: 'src/services/galera.test.ts',
    title: 'given up',
  },
  // a connection that has ended is waited for
  {
    file: 'src/services/connect.ts',
    find: "if (client.status !== 'end') client.disconnect()",
    replace: 'client.disconnect()',
    test: 'src/services/connect.test.ts',
  },
  // … and so is each that asked a server too early whether it is up
  {
    file: 'src/services/redis.ts',
    find: '    endRedis(client)\n',
    replace: '    client.disconnect()\n',
    test: 'src/services/private-servers.test.ts',
    title: 'leaves no timer',
  },
  // the incompatibility proxy: a packet of several parts is taken for several
  {
    file: 'src/incompatible/packets.ts',
    find: '      if (part.body.length === PART_BYTES) continue\n',
    replace: '',
    test: 'src/incompatible/packets.test.ts',
  },
  // a statement hides behind a string with a quote in it
  {
    file: 'src/incompatible/statements.ts',
    find: 'else if (found[0] === mark && text[end.lastIndex] === mark) end.lastIndex += 1',
    replace: 'else if (found[0] !== mark) end.lastIndex += 0',
    test: 'src/incompatible/statements.test.ts',
  },
  // what only read meets conflicts as well
  {
    file: 'src/incompatible/emulated-session.ts',
    find: '    if (transaction?.hasWritten !== true) return pass(payload)\n',
    replace: '',
    test: 'src/incompatible/emulated-session.test.ts',
  },
  // what is not kept is not noted
  {
    file: 'src/incompatible/emulated-session.ts',
    find: '      this.#ports.onUse(rule, text)\n',
    replace: '      if (rule.error !== undefined) this.#ports.onUse(rule, text)\n',
    test: 'src/incompatible/emulated-session.test.ts',
  },
  // a conflict is told, and its transaction goes on
  {
    file: 'src/incompatible/proxy-link.ts',
    find: "    if (decision.rollsBack) await this.#ask('ROLLBACK')\n",
    replace: '',
    test: 'src/incompatible/incompatible-proxy.test.ts',
    title: 'rolled back before',
  },
]
