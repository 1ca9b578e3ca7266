/**
 * Writes a file so that it is there whole or not at all, also after a power cut: write, fsync, rename, fsync the folder.
 * Only the owner may read it.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
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
