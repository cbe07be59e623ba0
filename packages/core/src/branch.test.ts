import { expect, it } from 'vitest'
import { createBranchSet } from './branch.ts'

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
