export { decodeLedgerRow, encodeLedgerRow, type LedgerColumns } from './ledger-row.ts'
export { BATCH_ITEMS_MAX } from './put-batch.ts'
export type { RetryReport } from './retry.ts'
