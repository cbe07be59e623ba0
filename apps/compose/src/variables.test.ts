import { describe, expect, it } from 'vitest'
import { checkVariables, nearest, readVariable, TIER_VARIABLES } from './variables.ts'

describe('variables', () => {
  it('of ours that no program reads are refused by name, with what was meant and what there is [P77]', () => {
    const check = (name: string) => () => checkVariables({ [name]: 'secret' }, TIER_VARIABLES)
    expect(check('SE_SQLURL')).toThrow(
      /SE_SQLURL: is not a variable of this program; did you mean SE_SQL_URL\? there are SE_DATA_DIR, SE_SQL_URL/,
    )
    expect(check('SE_SQLURL')).not.toThrow(/secret/)
    expect(check('SE_XYZ_QUITE_ELSE')).toThrow(/program; there are/)
  })

  it('of others, and those of the tests, are not looked at', () => {
    checkVariables(
      { HOME: '/', SECRET: 'x', SE_TEST_SQL_URL: 'x', SE_SEED: '1', SE_DATA_DIR: 'x' },
      TIER_VARIABLES,
    )
  })

  it('are found by what they look like', () => {
    const known = [...Object.keys(TIER_VARIABLES), 'SE_STOP_MS']
    expect(nearest('SE_REDISURL', known)).toBe('SE_REDIS_URL')
    expect(nearest('SE_STOP', known)).toBe('SE_STOP_MS')
    expect(nearest('PATH_TO_NOTHING', known)).toBeUndefined()
  })

  it('that are empty are unset', () => {
    expect(readVariable({ HOST: '' }, 'HOST')).toBeUndefined()
    expect(readVariable({ HOST: 'a' }, 'HOST')).toBe('a')
  })
})
