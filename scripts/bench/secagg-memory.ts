/**
 * How much memory the coordinator needs for a secure sum: a process of its own runs the commit of a round through the real
 * code and object store. The sites' masked uploads are made as they are read, so that no disk has to hold all of them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type Memory = { readonly seconds: number; readonly residentBytesMax: number }

export async function measureMemory(sites: number, parameters: number): Promise<Memory> {
  const program = fileURLToPath(new URL('./secagg-memory-child.ts', import.meta.url))
  const child = spawn(process.execPath, [program, String(sites), String(parameters)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the process that adds ${sites} uploads ended with ${code}`)
  return JSON.parse(text) as Memory
}
