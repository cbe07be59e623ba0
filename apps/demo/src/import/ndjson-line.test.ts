import { describe, expect, it } from 'vitest'
import { parseNdjsonLine } from './ndjson-line.ts'

describe('parseNdjsonLine', () => {
  it('gives the value as it stands in the line: spaces, key order, big numbers, escapes [P16]', () => {
    const values = [
      '{"b":1,"a":{"value":2}}',
      '{ "n": 12345678901234567890, "x": [1, {"y":"}]"}] }',
      '"a \\"quoted\\" \\\\ text"',
      '1.0e+5',
      'null',
      '[]',
      '"\\u00e9é"',
    ]
    for (const value of values) {
      for (const line of [
        `{"id":"a","value":${value}}`,
        `  { "value" : ${value} , "id" : "a" }  `,
        `{"id":"a","more":{"value":0,"s":"\\"value\\":1"},"value":${value},"z":[{}]}`,
      ]) {
        expect(parseNdjsonLine(line), line).toEqual({ id: 'a', valueText: value })
      }
    }
  })

  it('takes the last of repeated members, and knows escaped names', () => {
    expect(parseNdjsonLine('{"id":"a","value":1,"id":"b","v\\u0061lue":2}')).toEqual({
      id: 'b',
      valueText: '2',
    })
  })

  it('says what is wrong with a line', () => {
    for (const [line, problem] of [
      ['', /not JSON/],
      ['{"id":"a","value":1', /not JSON/],
      ['[1]', /not a JSON object/],
      ['null', /not a JSON object/],
      ['{"value":1}', /no "id"/],
      ['{"id":1,"value":1}', /no "id"/],
      ['{"id":"a"}', /no "value"/],
    ] as const) {
      expect(() => parseNdjsonLine(line), line).toThrow(problem)
    }
  })
})
