/** The `site-agent` command line, run in this process as a person at a hospital runs it. */
import { main } from '@consilium/site-agent/cli/main.ts'

export type Person = {
  /** What it types to each question; without it nobody sits at the terminal. */
  readonly answer?: string | undefined
  /** Standard input. */
  readonly input?: string
  readonly hasColor?: boolean
}

export type Printed = {
  readonly code: number
  readonly out: string
  readonly error: string
  /** What the person was asked. */
  readonly asked: readonly string[]
}

/** Runs one command line, and tells what it printed. A command that goes on until it is interrupted ends at once. */
export async function siteCommand(
  args: readonly string[],
  { answer, input = '', hasColor = false }: Person = {},
): Promise<Printed> {
  const printed = { out: '', error: '', asked: [] as string[] }
  const terminal = {
    isLive: false,
    hasColor,
    columns: 100,
    write: (text: string) => {
      printed.out += text
    },
    writeError: (text: string) => {
      printed.error += text
    },
  }
  const ask = async (question: string) => {
    printed.asked.push(question)
    return answer ?? ''
  }
  const code = await main(args, {
    terminal,
    readInput: async () => input,
    interrupted: AbortSignal.abort(),
    ...(answer !== undefined && { ask }),
  })
  return { code, ...printed }
}
