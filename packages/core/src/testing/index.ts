export { createFakeClock, type FakeClock } from './fake-clock.ts'
export { seededRandom, type SeededRandom } from './seeded-random.ts'
