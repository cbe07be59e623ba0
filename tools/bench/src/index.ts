export {
  defineCase,
  defineReport,
  elapsedMs,
  type BenchFile,
  type ComparedCase,
  type PreparedCase,
  type ReportCase,
  type ReportTable,
} from './case.ts'
