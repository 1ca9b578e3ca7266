/**
 * Writes a file so that it is there whole or not at all, also after a power cut: write, fsync, rename, fsync the folder.
 * Only the owner may read it.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

export function writeDurably(path: string, bytes: Uint8Array): void {
  const partial = `${path}.partial`
  const file = openSync(partial, 'w', 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(partial, path)
  syncFolder(dirname(path))
}

/** As {@link writeDurably}, for bytes that are made one piece after the other and never stand in memory whole. */
export async function writePiecesDurably(path: string, pieces: Pieces): Promise<void> {
  await writePieces(path, pieces, true)
  syncFolder(dirname(path))
}

/** There whole or not at all after a kill; after a power cut it may be an earlier one, or damaged: for what can be spared. */
export function writePiecesQuickly(path: string, pieces: Pieces): Promise<void> {
  return writePieces(path, pieces, false)
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

async function writePieces(path: string, pieces: Pieces, isSynced: boolean): Promise<void> {
  const partial = `${path}.partial`
  const file = await open(partial, 'w', 0o600)
  try {
    for await (const piece of pieces) await file.writeFile(piece)
    if (isSynced) await file.sync()
  } finally {
    await file.close()
  }
  renameSync(partial, path)
}

/** Windows has no handle on a folder to synchronise; its rename is journaled. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
