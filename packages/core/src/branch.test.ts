import { expect, it } from 'vitest'
import { checkBranchSet, createBranchSet } from './branch.ts'

it('gives the longest matching prefix, and branch 0 to all others', () => {
  const branches = createBranchSet(['user.admin.', 'user.', 'config.'])
  expect(branches.prefixes).toEqual(['', 'config.', 'user.', 'user.admin.'])
  expect(branches.branchOf('user.alice')).toBe(2)
  expect(branches.branchOf('user.admin.root')).toBe(3)
  expect(branches.branchOf('users.alice')).toBe(0)
})

it('numbers the same set the same way in every order of declaration', () => {
  expect(createBranchSet(['b.', 'a.']).prefixes).toEqual(createBranchSet(['a.', 'b.']).prefixes)
})

it('numbers prefixes in the order of their UTF-8 bytes, which is not that of UTF-16', () => {
  expect(createBranchSet(['🗝.', '～.', 'z.']).prefixes).toEqual(['', 'z.', '～.', '🗝.'])
})

it('refuses repeated, empty and too many prefixes by name', () => {
  const refusal = expect.objectContaining({ code: 'SE_INVALID_CONFIG', field: 'branches' })
  expect(() => createBranchSet(['a.', 'a.'])).toThrow(refusal)
  expect(() => createBranchSet([''])).toThrow(refusal)
  expect(() => createBranchSet(Array.from({ length: 256 }, (_, index) => `${index}.`))).toThrow(refusal)
})

it('refuses a text, which would give a branch to each character [P77]', () => {
  expect(() => createBranchSet('user.' as never)).toThrow(
    'branches: must be a list of prefixes, not a string',
  )
})

it.each([[['user.']], [undefined], ['user.'], [{ prefixes: ['', 'user.'] }]])(
  'takes %j for no branch set, and names the field [P77]',
  (value) => {
    expect(() => checkBranchSet(value)).toThrow(
      expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'branches' }),
    )
    expect(() => checkBranchSet(createBranchSet(['user.']))).not.toThrow()
  },
)
