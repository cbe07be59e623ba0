import type { TreeVerified } from '../../seam/messages.ts'
import type { RowDigest, ViewReport, WrongCopy } from '../../seam/view-report.ts'
import { verifyCache, type CacheVerification } from './cache.ts'
import { lookAgain } from './entries.ts'
import type { BackVerifyPorts } from './ports.ts'
import { scanRows } from './scan-rows.ts'
import { verifyTree } from './tree.ts'

/** Compares the copies in the back with the archive. */
export class Verifier {
  readonly #ports: BackVerifyPorts

  constructor(ports: BackVerifyPorts) {
    this.#ports = ports
  }

  /** @param visit gets all rows that have a value, where the comparison is deep; the next are read when it is done */
  async tree(isDeep: boolean, visit: (rows: readonly RowDigest[]) => Promise<void>): Promise<TreeVerified> {
    const scan = isDeep ? await scanRows(this.#ports, visit) : undefined
    const tree = await verifyTree(this.#ports, scan)
    return { tree, scan: scan && { rowsRead: scan.rowsRead, suspects: scan.suspects } }
  }

  /** @returns those of the rows whose entry in the cache is wrong, and not only on its way */
  lookAgain(rows: readonly RowDigest[]): Promise<readonly WrongCopy[]> {
    return lookAgain(this.#ports, rows)
  }

  /** @returns `undefined`: there is no cache */
  async cache(verification: CacheVerification): Promise<ViewReport | undefined> {
    const { cacheView } = this.#ports
    return cacheView && verifyCache(this.#ports, cacheView, verification)
  }
}
