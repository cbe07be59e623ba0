import { describe, expect, it } from 'vitest'
import { checkVariables, nearest } from './command-line.ts'
import { VARIABLES } from './config.ts'

describe('variables', () => {
  it('[P77] of ours that nobody reads are refused by name, with what was meant and what there is', () => {
    expect(() => checkVariables({ SE_SQLURL: 'secret' }, VARIABLES)).toThrow(
      /SE_SQLURL: is not a variable of this program; did you mean SE_SQL_URL\? there are HOST, PORT, SE_DATA_DIR/,
    )
    expect(() => checkVariables({ SE_SQLURL: 'secret' }, VARIABLES)).not.toThrow(/secret/)
    expect(() => checkVariables({ SE_XYZ_QUITE_ELSE: '1' }, VARIABLES)).toThrow(/program; there are/)
  })

  it('of others, and those of the tests, are nobody’s business here', () => {
    checkVariables(
      { HOME: '/', SECRET: 'x', SE_TEST_SQL_URL: 'x', SE_SEED: '1', SE_DATA_DIR: 'x' },
      VARIABLES,
    )
  })

  it('are found by what they look like', () => {
    expect(nearest('SE_REDISURL', Object.keys(VARIABLES))).toBe('SE_REDIS_URL')
    expect(nearest('SE_STOP', Object.keys(VARIABLES))).toBe('SE_STOP_MS')
  })
})
