/** Deliberate defects of the explorer and of the model, and the test that notices each: `npm run mutants -- --only model`. */
const RUNS = 'src/runs.golden.test.ts'

export const mutants = [
  // two states of one hash are taken for one
  {
    file: 'src/explore/state-set.ts',
    find: 'if (chunk[start + word] !== this.#probe[word]) return false',
    replace: '',
    test: 'src/explore/state-set.property.test.ts',
  },
  // a fault counts as a way out
  {
    file: 'src/explore/explore.ts',
    find: `    addFault(next) {
      reach(next)
    },`,
    replace: `    addFault(next) {
      edges.push(at)
      edges.push(reach(next))
    },`,
    test: 'src/explore/explore.test.ts',
  },
  // the server lets a second transaction have a row that is locked
  {
    file: 'src/transaction/server.ts',
    find: 'if (other === slot || ((state[at.locks + other]! >> id) & 1) === 0) continue',
    replace: 'if (other !== slot) continue',
    test: RUNS,
  },
  // the judge does not look at the sums
  {
    file: 'src/transaction/commit.ts',
    find: '+ digestOf(m, stamp) - digestOf(m, seen)',
    replace: '+ digestOf(m, stamp)',
    test: RUNS,
  },
  // the view applies what it has been told of retirements only
  {
    file: 'src/cuts/view.ts',
    find: 'if (!isThere) return undefined',
    replace: 'if (!isThere) continue',
    test: RUNS,
  },
]
