/**
 * Random keys in one small file, each in its place, under which sessions are sealed in the database. To erase what one of them
 * sealed it is overwritten where it stands, by the key that is used there next: then no earlier version of it opens, wherever
 * pages of the database, its log or a copy of them are left. Every key is on the disk before anything is sealed under it.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'
import { writeDurably } from '../durable-file.ts'

export type ErasableKeys = {
  /** Nonce, ciphertext, tag (AES-256-GCM); `context` is bound to it. */
  seal(place: number, plain: Uint8Array, context: string): Uint8Array
  /** Undefined where the key that sealed it is erased. */
  open(place: number, sealed: Uint8Array, context: string): Uint8Array | undefined
  /** On the disk when this returns. */
  erase(places: readonly number[]): void
}

/** Sessions that a site can have open at once. */
export const placesMax = 256

const [keyBytes, nonceBytes, tagBytes] = [32, 12, 16]
const fileBytes = placesMax * keyBytes

/** The file is made once a key is needed; one that was lost or cut short is made anew, and what its keys sealed stays closed. */
export function openErasableKeys(path: string): ErasableKeys {
  const isWhole = () => statSync(path, { throwIfNoEntry: false })?.size === fileBytes

  function read(place: number): Buffer {
    const key = Buffer.alloc(keyBytes)
    const file = openSync(path, 'r')
    try {
      readSync(file, key, 0, keyBytes, place * keyBytes)
    } finally {
      closeSync(file)
    }
    return key
  }

  return {
    seal(place, plain, context) {
      if (!isWhole()) writeDurably(path, randomBytes(fileBytes))
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', read(place), nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(place, sealed, context) {
      if (!isWhole() || sealed.length < nonceBytes + tagBytes) return undefined
      const end = sealed.length - tagBytes
      const decipher = createDecipheriv('aes-256-gcm', read(place), sealed.subarray(0, nonceBytes))
      decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(end))
      const plain = decipher.update(sealed.subarray(nonceBytes, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      return plain
    },
    erase(places) {
      if (places.length === 0 || !isWhole()) return
      const file = openSync(path, 'r+')
      try {
        for (const place of places) writeSync(file, randomBytes(keyBytes), 0, keyBytes, place * keyBytes)
        fdatasyncSync(file)
      } finally {
        closeSync(file)
      }
    },
  }
}

/**
 * Which of the keys seal a session: one each. What a session leaves is erased before another one takes it; at first that is
 * every place without one, for the process before may have been killed in between.
 */
export function openPlaces(keys: ErasableKeys, taken: () => readonly number[]) {
  const left = new Set<number>()
  let isFirst = true
  const all = Array.from({ length: placesMax }, (_, place) => place)
  return {
    leave: (place: number) => void left.add(place),
    /** On the disk when this returns; what fails is done the next time. */
    eraseLeft() {
      if (!isFirst && left.size === 0) return
      // A transaction that was rolled back left nothing.
      const used = new Set(taken())
      keys.erase((isFirst ? all : [...left]).filter((place) => !used.has(place)))
      isFirst = false
      left.clear()
    },
    free(): number {
      const used = new Set([...taken(), ...left])
      const place = all.find((each) => !used.has(each))
      if (place === undefined)
        throw new FederationError(
          'limit-exceeded',
          `this site has ${placesMax} secure sessions open, which is the limit`,
        )
      return place
    },
  }
}
