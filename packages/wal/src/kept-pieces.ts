/** Files that hold what was cut out of a log, for people to look at. The log never reads them. */
import { writeFileAtomically, type FileSystem } from '@se/core'

/** What it was cut for: a write that had not finished, or damage. */
export type PieceKind = 'torn' | 'damaged'

/** Saves cut bytes. @returns the name, which no earlier piece has */
export async function keepPiece(
  directory: string,
  fileSystem: FileSystem,
  stem: string,
  kind: PieceKind,
  piece: Uint8Array,
): Promise<string> {
  const name = await unusedPieceName(directory, fileSystem, stem, kind)
  await writeFileAtomically(fileSystem, directory, name, piece)
  return name
}

/** `stem.kind`, or with a number between them if there is such a file. */
export async function unusedPieceName(
  directory: string,
  fileSystem: Pick<FileSystem, 'list'>,
  stem: string,
  kind: PieceKind,
): Promise<string> {
  const names = new Set(await fileSystem.list(directory))
  let name = `${stem}.${kind}`
  for (let number = 2; names.has(name); number++) name = `${stem}.${number}.${kind}`
  return name
}
