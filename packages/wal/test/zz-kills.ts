import { seededRandom } from '@se/core/testing'
import { runKillRounds } from './kill-rounds.ts'
const end = Date.now() + 9.5 * 60_000
const r = await Promise.all(
  [0, 1].map((lane) => runKillRounds(seededRandom(771 + lane), (round) => round === 500 || Date.now() > end)),
)
console.log(r)
