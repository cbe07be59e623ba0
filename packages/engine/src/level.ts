/** What a write is acknowledged for; see the table of the README. */
export type Level = 'memory' | 'log' | 'archive'
