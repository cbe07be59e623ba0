/** The files and directories of a disk that can lose power. */
import type { PowerCutChooser } from './every-choice.ts'

/** A file: what reads see, and what the disk may have of it. */
export class FileNode {
  /** By which it was last opened or renamed; for reports. */
  path = ''
  /** What reads see. */
  current = new Uint8Array(0)
  durable = new Uint8Array(0)
  /** Contents of each sector since the last sync, oldest first. */
  readonly versions = new Map<number, Uint8Array[]>()
  /** Sectors among them that no sync will write, because one has failed. */
  readonly dropped = new Set<number>()
  /** Sizes since the last sync, oldest first. */
  sizes: number[] = []

  write(bytes: Uint8Array, position: number, sectorBytes: number): void {
    if (position + bytes.length > this.current.length) this.resize(position + bytes.length)
    this.current.set(bytes, position)
    this.noteSectors(position, position + bytes.length, sectorBytes)
  }

  resize(size: number): void {
    const resized = new Uint8Array(size)
    resized.set(this.current.subarray(0, size))
    this.current = resized
    this.sizes.push(size)
  }

  noteSectors(start: number, end: number, sectorBytes: number): void {
    for (let sector = Math.floor(start / sectorBytes); sector * sectorBytes < end; sector++) {
      const versions = this.versions.get(sector)
      const before = versions?.at(-1)
      const isSame =
        before === undefined
          ? isSameSector(this.current, this.durable, sector * sectorBytes, sectorBytes)
          : isSameSector(this.current.subarray(sector * sectorBytes), before, 0, sectorBytes)
      this.dropped.delete(sector)
      if (isSame) continue
      const content = sectorOf(this.current, sector, sectorBytes)
      if (versions === undefined) this.versions.set(sector, [content])
      else versions.push(content)
    }
  }

  /** Makes durable the sectors that have bytes from `start` to `end`, and a size that holds them. */
  sync(sectorBytes: number, start: number, end: number): void {
    const isWhole = end === Infinity
    const sizeMin = Math.min(end, this.current.length)
    const durable = new Uint8Array(isWhole ? sizeMin : Math.max(sizeMin, this.durable.length))
    durable.set(this.durable.subarray(0, durable.length))
    // Not simply what is in `current`: sectors that a failed sync dropped are not written any more.
    for (const [sector, versions] of this.versions) {
      if (!overlaps(sector, sectorBytes, start, end) || this.dropped.has(sector)) continue
      const at = sector * sectorBytes
      if (at < durable.length) durable.set(versions.at(-1)!.subarray(0, durable.length - at), at)
      // What lies behind the durable size comes with a larger one only.
      if (isWhole || at + sectorBytes <= durable.length) this.versions.delete(sector)
      else versions.splice(0, versions.length - 1)
    }
    this.durable = durable
    this.sizes = isWhole ? [] : this.sizes.filter((size) => size >= sizeMin)
  }

  /** A sync has failed: any part of it may have happened, and the rest will not. */
  drop(sectorBytes: number, start: number, end: number): void {
    for (const sector of this.versions.keys()) {
      if (overlaps(sector, sectorBytes, start, end)) this.dropped.add(sector)
    }
  }

  /** The page cache may let go of sectors that count as clean: then they are what the disk has. */
  evict(choose: PowerCutChooser, sectorBytes: number): void {
    for (const sector of this.dropped) {
      const at = sector * sectorBytes
      const contents = [sectorOf(this.durable, sector, sectorBytes), ...this.versions.get(sector)!]
      const content = contents[choose(contents.length + 1)]
      if (content === undefined) continue
      if (at < this.current.length) this.current.set(content.subarray(0, this.current.length - at), at)
      if (at < this.durable.length) this.durable.set(content.subarray(0, this.durable.length - at), at)
      this.versions.delete(sector)
      this.dropped.delete(sector)
    }
  }

  afterPowerCut(choose: PowerCutChooser, sectorBytes: number): FileNode {
    const sizes = [this.durable.length, ...this.sizes]
    const size = sizes.length === 1 ? sizes[0]! : sizes[choose(sizes.length)]!
    const content = new Uint8Array(size)
    content.set(this.durable.subarray(0, size))
    for (const [sector, versions] of this.versions) {
      const start = sector * sectorBytes
      if (start >= size) continue
      const chosen = choose(versions.length + 1)
      if (chosen > 0) content.set(versions[chosen - 1]!.subarray(0, size - start), start)
    }
    const node = new FileNode()
    node.current = content
    node.durable = content.slice()
    return node
  }
}

function overlaps(sector: number, sectorBytes: number, start: number, end: number): boolean {
  return sector * sectorBytes < end && (sector + 1) * sectorBytes > start
}

export type Node = FileNode | DirectoryNode

type NameChange =
  | { readonly kind: 'create'; readonly name: string; readonly node: Node }
  | { readonly kind: 'remove'; readonly name: string; readonly node: Node }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string; readonly node: Node }

/** A directory: the names in it, and which changes of them a power cut may undo. */
export class DirectoryNode {
  readonly current = new Map<string, Node>()
  durable = new Map<string, Node>()
  readonly changes: NameChange[] = []

  change(change: NameChange): void {
    apply(change, this.current)
    this.changes.push(change)
  }

  sync(): void {
    this.durable = new Map(this.current)
    this.changes.length = 0
  }

  evict(choose: PowerCutChooser, sectorBytes: number): void {
    for (const node of this.current.values()) node.evict(choose, sectorBytes)
  }

  afterPowerCut(choose: PowerCutChooser, sectorBytes: number): DirectoryNode {
    const names = new Map(this.durable)
    for (const change of this.changes) if (choose(2) === 1) apply(change, names)
    const directory = new DirectoryNode()
    for (const [name, node] of names) directory.current.set(name, node.afterPowerCut(choose, sectorBytes))
    directory.sync()
    return directory
  }
}

/** Applies a change if what it changes is there: it may not be, when an earlier change was lost. */
function apply(change: NameChange, names: Map<string, Node>): void {
  if (change.kind === 'create') {
    names.set(change.name, change.node)
  } else if (names.get(change.name) === change.node) {
    names.delete(change.name)
    if (change.kind === 'rename') names.set(change.to, change.node)
  }
}

function sectorOf(content: Uint8Array, sector: number, sectorBytes: number): Uint8Array {
  const bytes = new Uint8Array(sectorBytes)
  bytes.set(content.subarray(sector * sectorBytes, (sector + 1) * sectorBytes))
  return bytes
}

/** Compares without copying, as simulated disks do little else. Behind the end of a file there are zeros. */
function isSameSector(a: Uint8Array, b: Uint8Array, start: number, sectorBytes: number): boolean {
  for (let index = start; index < start + sectorBytes; index++) {
    if ((a[index] ?? 0) !== (b[index] ?? 0)) return false
  }
  return true
}
