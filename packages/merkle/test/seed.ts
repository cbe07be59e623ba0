/** The seed of a random test: SE_SEED, else a fresh one; printed with what repeats the run. */
export function testSeed(title: string): number {
  const seed = Number(process.env.SE_SEED ?? Date.now() % 2 ** 32)
  console.log(`${title}: seed ${seed} (repeat with SE_SEED=${seed})`)
  return seed
}
