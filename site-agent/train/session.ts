/**
 * onnxruntime, as training uses it: a model of ours becomes a session on the configured execution provider, and its
 * errors become ours. A run's error may quote a value, so only the node it names is passed on.
 */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import type { Model } from '@consilium/models/onnx/graph.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { SiteConfig } from '../data/site-config.ts'

export type Execution = SiteConfig['training']

/** Preprocessing reads texts, which only the CPU does. */
export const onCpu: Execution = { executionProvider: 'cpu', threads: 1 }

export type Session = {
  /** Runs once; blocks this process meanwhile. Throws `trainer-failed`. */
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>
  close(): Promise<void>
}

export async function openSession(model: Model, { executionProvider, threads }: Execution): Promise<Session> {
  const name = model.graph.name
  const session = await createSession(encodeModel(model), name, {
    executionProviders: [executionProvider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  return {
    async run(inputs) {
      try {
        return (await session.run(inputs)) as Readonly<Record<string, Tensor>>
      } catch (error) {
        const node = /running (\w+) node\. Name:'([^']{0,200})'/.exec(errorMessage(error))
        const where = node ? ` at the ${node[1]} node '${node[2]}'` : ''
        throw new FederationError('trainer-failed', `the graph '${name}' failed in onnxruntime${where}`)
      }
    },
    close: () => session.release(),
  }
}

/** Whether a provider has a kernel for every node of a model; what it lacks runs on the CPU, silently and slower. */
export async function runsWhollyOn({ executionProvider }: Execution, model: Model): Promise<boolean> {
  if (executionProvider === 'cpu') return true
  const strict = { executionProviders: [executionProvider], extra: { session: { disable_cpu_ep_fallback: '1' } } }
  try {
    const session = await InferenceSession.create(encodeModel(model), { ...strict, logSeverityLevel: 4 })
    await session.release()
    return true
  } catch (error) {
    // What else may be wrong shows when the session for the work is made.
    return !/fallback to CPU/.test(errorMessage(error))
  }
}

async function createSession(
  bytes: Uint8Array,
  name: string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, options)
  } catch (cause) {
    const provider = options.executionProviders?.[0]
    const said = `onnxruntime does not load the graph '${name}' on ${provider}: ${errorMessage(cause)}`
    if (provider === 'cpu') throw new FederationError('trainer-failed', said, { cause })
    throw new FederationError('invalid-site-config', `${said}; change training.executionProvider in site.yaml`, {
      cause,
    })
  }
}

export function float32(values: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', values, dims)
}

export function int64(values: BigInt64Array, dims: readonly number[]): Tensor {
  return new Tensor('int64', values, dims)
}

export function text(values: readonly string[], dims: readonly number[]): Tensor {
  return new Tensor('string', values as string[], dims)
}

/** An output's numbers; throws `trainer-failed` where there is none of that name and type. */
export function float32Output(outputs: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = outputs[name]?.data
  if (!(data instanceof Float32Array))
    throw new FederationError('trainer-failed', `the graph yields no float32 output '${name}'`)
  return data
}
