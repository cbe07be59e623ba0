/** Where a transaction is. Each is named after what comes next. */
export const PHASE = {
  none: 0,
  select: 2,
  store: 3,
  ledger: 4,
  sequence: 5,
  /** The last statement has changed its row; the instance's row is locked. */
  commit: 6,
  /** COMMIT was sent. */
  committing: 7,
  /** It is committed; the answer is under way. */
  answer: 8,
  /** It is rolled back; the own row is to be read. */
  judge: 9,
} as const

/** What a process knows of its batch. */
export const STATUS = {
  waiting: 0,
  active: 1,
  /** COMMIT was sent and not answered. */
  doubt: 2,
  in: 3,
  /** Its data was refused: set aside, for people to see. */
  parked: 4,
  /** Its process is fenced, has ended or found the archive gone back: nobody works on it here any more. */
  abandoned: 5,
} as const

export const PROCESS = {
  notStarted: 0,
  claiming: 1,
  running: 2,
  dead: 3,
  /** Fenced, or the archive has gone back: it sends nothing more. */
  stopped: 4,
} as const

export const COLLECTOR = {
  idle: 0,
  raiseGlobal: 1,
  list: 2,
  raiseEach: 3,
  remove: 4,
} as const

/** What must never happen; the number stands in the state, 0 is none. */
export const VIOLATIONS = [
  '',
  'an older write replaced a newer one',
  'a deleted item was resurrected',
  'a batch was applied twice',
  'told as in, and it is not',
  'told as out, and it was committed',
  'a fenced process committed',
  'refused as having no row, though a row was there',
  'believes that the archive has gone back, which it has not',
  'the sums that the ledger tells differ from the rows',
  'a sequence is missing, or not counted',
  'inserted at or below the floor, where no row was',
  'names another row as replaced than it has replaced',
  'who reads the ledger finds no order',
  'who reads the ledger takes a batch before an earlier one of its process',
  'who reads the ledger ends with another row than the archive',
] as const

export const VIOLATION = {
  older: 1,
  resurrected: 2,
  twice: 3,
  wrongIn: 4,
  wrongOut: 5,
  fencedCommit: 6,
  wrongRefusal: 7,
  wrongGoneBack: 8,
  sums: 9,
  gap: 10,
  belowFloor: 11,
  wrongPrevious: 12,
  orderCircle: 13,
  orderOfProcess: 14,
  orderOfRows: 15,
} as const
