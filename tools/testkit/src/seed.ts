import { randomInt } from 'node:crypto'
import { InvalidInput } from '@se/core'

const SEED_MAX = 2 ** 32 - 1

/**
 * The seed of a random test: from SE_SEED, else a fresh one. It is printed with what repeats the run; feed it to
 * `seededRandom` of `@se/core/testing`.
 *
 * @param title which test it is for, when one run prints several
 * @returns an integer in [0, 2^32)
 * @throws InvalidInput when SE_SEED is not such an integer
 */
export function seed(title?: string): number {
  const given = process.env['SE_SEED']
  if (given !== undefined && given !== '' && (!/^\d{1,10}$/.test(given) || Number(given) > SEED_MAX)) {
    throw new InvalidInput('SE_SEED', `must be an integer from 0 to ${SEED_MAX}, is ${JSON.stringify(given)}`)
  }
  const value = given === undefined || given === '' ? randomInt(SEED_MAX + 1) : Number(given)
  console.log(`${title === undefined ? '' : `${title}: `}seed ${value} (repeat with SE_SEED=${value})`)
  return value
}
