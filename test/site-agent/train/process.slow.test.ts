/** The training process itself: who hears of its death, and that no death of the agent leaves it behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startTrainer, trainerStarter } from '../../../site-agent/train/start-trainer.ts'
import type { TrainCheckpoint, Trainer } from '../../../site-agent/train/trainer.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from '../a-site.ts'
import { aStudyOfAModel } from '../a-study-of-a-model.ts'

const csv = 'x,y,side\n1,0,train\n2,1,train\n3,1,test\n'
const study = aSmallStudy({ standardisation: 'none', localTraining: { steps: 5_000_000, batchSize: 2 } })
const startTrainerPath = join(import.meta.dirname, '../../../site-agent/train/start-trainer.ts')
const never = new AbortController().signal

type Killing = { readonly from?: TrainCheckpoint; readonly killAt?: number; readonly pid?: number }
const siteOf = () => aCsvSite(csv, { x: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' })

/** Training processes whose parent is `parent`, by the process table. */
function trainersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .filter((name) => read(name, 'cmdline').includes('child.ts'))
    .map(Number)
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(read(pid, 'status'))?.[1])
}

/** Empty where the process is gone meanwhile. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

describe.skipIf(process.platform !== 'linux')('the training process', () => {
  test('killed in mid-training is an error of the request and of those that follow', async () => {
    const { parameters, ...rest } = aStudyOfAModel(study)
    const before = new Set(trainersOf(process.pid))
    const trainer = await startTrainer({ keys: keysOfTests, siteConfigPath: siteOf(), signal: never, ...rest })
    const [pid] = trainersOf(process.pid).filter((each) => !before.has(each))
    const signal = new AbortController().signal
    const onProgress = () => process.kill(pid!, 'SIGKILL')
    const gone = { code: 'trainer-failed', message: expect.stringContaining('it was ended by SIGKILL') }
    await expect(trainer.train({ round: 1, parameters, onProgress, signal })).rejects.toMatchObject(gone)
    await expect(trainer.evaluate({ parameters, onProgress, signal })).rejects.toMatchObject(gone)
    await trainer.stop()
  })

  test('killed after 60 % of its steps, another goes on from the last checkpoint, to the same bits', async () => {
    const long = aSmallStudy({
      optimizer: { name: 'adam', learningRate: 0.01 },
      standardisation: 'none',
      localTraining: { steps: 150_000, batchSize: 2 },
    })
    const { parameters, ...rest } = aStudyOfAModel(long)
    const siteConfigPath = siteOf()
    const start = () => startTrainer({ keys: keysOfTests, siteConfigPath, signal: never, ...rest })
    const train = (trainer: Trainer, { from, killAt = Number.POSITIVE_INFINITY, pid = 0 }: Killing = {}) => {
      const told: number[] = []
      const kept: TrainCheckpoint[] = []
      const result = trainer.train({
        round: 1,
        parameters,
        onProgress(done) {
          told.push(done)
          if (done >= killAt) process.kill(pid, 'SIGKILL')
        },
        async onCheckpoint(checkpoint) {
          kept.push(checkpoint)
          return 0
        },
        ...(from && { from }),
        signal: never,
      })
      return { result, told, kept }
    }
    const undisturbed = await start()
    const expected = await train(undisturbed).result
    await undisturbed.stop()

    const before = new Set(trainersOf(process.pid))
    const victim = await start()
    const [pid] = trainersOf(process.pid).filter((each) => !before.has(each))
    const killed = train(victim, { killAt: 90_000, pid: pid! })
    await expect(killed.result).rejects.toMatchObject({ code: 'trainer-failed' })
    await victim.stop()

    const from = killed.kept.at(-1)!
    const chunks = killed.told.map((done, i) => done - (killed.told[i - 1] ?? 0))
    // On a machine that has much else to do, keeping it may be slow enough to be left out after a chunk.
    expect(killed.told.at(-1)! - from.steps).toBeLessThanOrEqual(3 * Math.max(...chunks))
    const next = await start()
    const resumed = train(next, { from })
    expect(await resumed.result).toEqual({ ...expected, loss: expect.closeTo(expected.loss, 8) })
    expect(resumed.told[0]).toBe(from.steps)
    await next.stop()
  })

  test('is gone once the trainer has stopped, also after a failed start', async () => {
    const { parameters: _, ...rest } = aStudyOfAModel(study)
    const trainer = await startTrainer({ keys: keysOfTests, siteConfigPath: siteOf(), signal: never, ...rest })
    await trainer.stop()
    await expect(
      startTrainer({ keys: keysOfTests, siteConfigPath: '/nowhere', signal: never, ...rest }),
    ).rejects.toMatchObject({
      code: 'invalid-site-config',
    })
    expect(trainersOf(process.pid)).toEqual([])
  })

  test('that has not answered a minute after its work was called off is ended, and the next request is told', async () => {
    const { parameters, ...rest } = aStudyOfAModel(study)
    const clock = manualClock()
    const before = new Set(trainersOf(process.pid))
    const start = trainerStarter({ onOutput: () => undefined, clock })
    const trainer = await start({ keys: keysOfTests, siteConfigPath: siteOf(), signal: never, ...rest })
    const [pid] = trainersOf(process.pid).filter((each) => !before.has(each))
    const calledOff = new AbortController()
    const onProgress = () => {
      process.kill(pid!, 'SIGSTOP')
      calledOff.abort()
    }
    const request = { round: 1, parameters, onProgress }
    await expect(trainer.train({ ...request, signal: calledOff.signal })).rejects.toMatchObject({ code: 'cancelled' })
    const next = trainer.evaluate({ ...request, signal: never })
    const told = expect(next).rejects.toMatchObject({
      code: 'trainer-failed',
      message: expect.stringContaining('did not stop its work'),
    })
    clock.advance(60_000)
    await told
    await trainer.stop()
    expect(trainersOf(process.pid)).toEqual([])
  })

  test('that is called off while it loads an endless view is gone at once', async () => {
    const { parameters: _, ...rest } = aStudyOfAModel(study)
    const endless = `SELECT x, y, side FROM patients, range(1000000000000) WHERE hash(range) = 0`
    const siteConfigPath = aCsvSite(csv, { x: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' }, endless)
    const calledOff = new AbortController()
    const starting = startTrainer({ keys: keysOfTests, siteConfigPath, signal: calledOff.signal, ...rest })
    calledOff.abort()
    await expect(starting).rejects.toMatchObject({ code: 'cancelled' })
    expect(trainersOf(process.pid)).toEqual([])
  })

  test('ends with an agent that dies by SIGKILL in mid-training', async () => {
    const siteConfigPath = siteOf()
    const file = (name: string) => join(dirname(siteConfigPath), name)
    const { manifest, graph, parameters } = aStudyOfAModel(study)
    writeFileSync(file('manifest.json'), JSON.stringify(manifest))
    writeFileSync(file('graph.onnx'), graph)
    writeFileSync(
      file('agent.ts'),
      `import { readFileSync } from 'node:fs'
       import { startTrainer } from ${JSON.stringify(startTrainerPath)}
       const read = (name: string) => readFileSync(new URL(name, import.meta.url))
       const trainer = await startTrainer({
         keys: { split: new Uint8Array(32), order: new Uint8Array(32), marks: new Uint8Array(32) },
         siteConfigPath: ${JSON.stringify(siteConfigPath)},
         manifest: JSON.parse(read('manifest.json').toString()),
         graph: read('graph.onnx'),
         signal: new AbortController().signal,
       })
       await trainer.train({
         round: 1,
         parameters: Float32Array.from(${JSON.stringify(Array.from(parameters))}),
         onProgress: () => process.stdout.write('training\\n'),
         signal: new AbortController().signal,
       })`,
    )
    const agent = spawn(process.execPath, [file('agent.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(agent.stdout, 'data')
    const [trainer] = trainersOf(agent.pid!)
    expect(trainer).toBeGreaterThan(0)
    agent.kill('SIGKILL')
    await once(agent, 'exit')
    // Nobody is told of the end of another's child, so the process table is asked until it is gone.
    while (isRunning(trainer!)) await new Promise((resolve) => setImmediate(resolve))
  })
})

function isRunning(pid: number): boolean {
  return /^State:\s+[^Z]/m.test(read(String(pid), 'status'))
}
