/** Deliberate defects of the lock [P82], and the test that notices each. */
export const lock = [
  // the lock of a living process is taken over [P82]
  {
    file: 'src/judge-locks.ts',
    find: "if (verdict === 'alive' || !isSame(first, content)) throw lockedError(directory, file.holder)",
    replace: "if (verdict === 'alive') return { content, wasHeld, isSilent: false }",
    test: 'src/lock.test.ts',
  },
  // a slow contender believes in a number that was passed long ago [P82]
  {
    file: 'src/lock.ts',
    find: 'if (highest === generation && ',
    replace: 'if (highest !== undefined && ',
    test: 'src/lock.property.test.ts',
  },
  // what was judged is not looked at again [P82]
  {
    file: 'src/judge-locks.ts',
    find: 'if (!isSame(content, await readFileIfAny(fileSystem, lockPath(directory, generation)))) return false',
    replace: '',
    test: 'src/lock.test.ts',
  },
  // the claim of one who died before he looked is taken for proof that the lock below was free [P82]
  {
    file: 'src/judge-locks.ts',
    find: "const wasHeld = file.state !== 'claimed'",
    replace: 'const wasHeld = true',
    test: 'src/lock.test.ts',
  },
  // a pid of another namespace is looked up in this one [P82]
  {
    file: 'src/process-identity.ts',
    find: ' && holder.namespaces === self.namespaces',
    replace: '',
    test: 'src/process-identity.test.ts',
  },
  // a refusal on a shared file system counts [P82]
  {
    file: 'src/process-identity.ts',
    find: "if (sign === 'refuses' && (await evidence.isLocal())) return 'dead'",
    replace: "if (sign === 'refuses') return 'dead'",
    test: 'src/process-identity.test.ts',
  },
  // start times come from the /proc of another namespace [P82]
  {
    file: 'src/system-processes.ts',
    find: "const isOurs = readLink('/proc/self') === String(process.pid)",
    replace: 'const isOurs = true',
    test: 'test/namespaces.test.ts',
  },
  // the lock is not looked at with a new segment [P82]
  {
    file: 'src/group-writer.ts',
    find: `const left = this.#active
    await lock.look()`,
    replace: 'const left = this.#active',
    test: 'test/lock-lost.test.ts',
  },
  // a process that stood still acknowledges without a look at the lock [P82]
  {
    file: 'src/group-commit.ts',
    find: 'if (!lock.isSure) await lock.makeSure()',
    replace: '',
    test: 'test/lock-lost.test.ts',
  },
  // files that a silent holder may have open are written on [P82]
  {
    file: 'src/open-log.ts',
    find: 'if (lock.isFromSilence) await replaceOpenFiles(directory, fileSystem)',
    replace: '',
    test: 'test/lock-lost.test.ts',
  },
  // a log goes on in a directory that was removed [P82]
  {
    file: 'src/held-lock.ts',
    find: 'await ifAny(fileSystem.list(this.#directory))',
    replace: 'await fileSystem.list(this.#directory)',
    test: 'test/lock-lost.test.ts',
  },
  {
    file: 'src/held-lock.ts',
    find: 'generationsOf(names ?? [])',
    replace: 'generationsOf(names ?? [lockFileName(this.#generation + 1)])',
    test: 'test/lock-lost.test.ts',
  },
  // a lost lock is noticed only by those who append [P82]
  {
    file: 'src/assemble-log.ts',
    find: "lock.onLost((error) => life.fail('lock', error))",
    replace: '',
    test: 'test/lock-lost.test.ts',
  },
]
