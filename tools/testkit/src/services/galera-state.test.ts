import { describe, expect, test } from 'vitest'
import {
  decodeRecovered,
  decodeSavedState,
  encodeSavedState,
  encodeView,
  newestOf,
  NO_POSITION,
  positionText,
} from './galera-state.ts'

const position = { history: '5f6d637a-eb40-11f1-aff0-8e3d029c2993', sequence: 1_234 }

describe('the files of a Galera node', () => {
  test('a saved state reads back', () => {
    const text = encodeSavedState(position, true)
    expect(text).toContain('safe_to_bootstrap: 1')
    expect(encodeSavedState(position, false)).toContain('safe_to_bootstrap: 0')
    expect(decodeSavedState(text)).toEqual(position)
    expect(decodeSavedState(encodeSavedState(NO_POSITION, false))).toEqual(NO_POSITION)
    expect(decodeSavedState('')).toEqual(NO_POSITION)
  })

  test('a recovered position is found in what the server printed', () => {
    const line = `2026-11-28 15:28:38 0 [Note] WSREP: Recovered position: ${positionText(position)}`
    expect(decodeRecovered(`other\n${line}\nother`)).toEqual(position)
    expect(decodeRecovered('WSREP: disabled, skipping position recovery')).toBeUndefined()
  })

  test('a view names its own node and all members', () => {
    const lines = encodeView('b', ['a', 'b']).split('\n')
    expect(lines[0]).toBe('my_uuid: b')
    expect(lines.filter((line) => line.startsWith('member:'))).toEqual(['member: a 0', 'member: b 0'])
  })

  test('the newest data begin a cluster', () => {
    const at = (sequence: number) => ({ ...position, sequence })
    expect(newestOf([at(3), at(7), at(7), at(5)])).toBe(1)
    expect(newestOf([NO_POSITION, NO_POSITION])).toBe(0)
  })
})
