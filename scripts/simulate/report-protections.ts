/**
 * The report's block on what protected the hospitals in this run: who could read what, with which thresholds, signed by
 * whom, and what none of it protects against.
 */
import { basename } from 'node:path'
import type { WeightMode } from '@consilium/protos/secagg/weights.ts'
import { type Html, html } from './html.ts'
import type { Report, RoundReport } from './report.ts'

export function protections(report: Report): Html {
  const entry = ([term, value]: readonly [string, Html]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`
  const mode = report.aggregation === 'secure' ? secureEntries(report) : sealedEntries
  return html`<section aria-labelledby="protections"><h2 id="protections">Protections in force</h2>
<dl class="provenance">
${[transport, ...mode, logEntry(report)].map(entry)}
</dl>
${report.aggregation === 'secure' ? limits : html``}
</section>`
}

const transport = [
  'Transport',
  html`Mutual TLS between every hospital and the coordinator; hospitals only dial out.`,
] as const

function secureEntries({ rounds, statistics, weights = 'bucket' }: Report): (readonly [string, Html])[] {
  const sessions = sessionsOf([...(statistics ? [statistics] : []), ...rounds])
  return [
    [
      'Aggregation',
      html`Secure: the updates, losses and counts of single hospitals were masked; the coordinator learned sums over the survivors of a round.`,
    ],
    [
      'Thresholds',
      sessions.length === 0 ? html`no round came to its keys` : html`${sessions.map((text) => html`${text}<br>`)}`,
    ],
    ['Weights', html`${weightMeaning[weights]}`],
    ['Survivor sets', html`${confirmations(rounds)}`],
  ]
}

/** One line for each set of thresholds that occurred, with its rounds. */
function sessionsOf(rounds: readonly RoundReport[]): string[] {
  const byText = new Map<string, number[]>()
  for (const { round, secure } of rounds) {
    if (!secure) continue
    const { sites, colluders, threshold, survivorsMin } = secure
    const text = `n = ${sites} sites with keys; t = ${threshold} of them must answer; m = ${survivorsMin} at least in a sum; c = ${colluders} may work with the coordinator`
    byText.set(text, [...(byText.get(text) ?? []), round])
  }
  if (byText.size === 1) return [...byText.keys()]
  return [...byText].map(([text, of]) => `${of.length === 1 ? 'round' : 'rounds'} ${of.join(', ')}: ${text}`)
}

const weightMeaning: Readonly<Record<WeightMode, string>> = {
  uniform: 'uniform: every hospital counts the same',
  bucket: 'bucket: training rows as a power of two, rounded down; known as a sum only',
  exact: 'exact: training rows; known as a sum only',
}

function confirmations(rounds: readonly RoundReport[]): string {
  const signed = rounds.flatMap(({ secure }) => (secure ? [secure.confirmed.length] : []))
  if (signed.length === 0) return 'none was confirmed'
  const [fewest, most] = [Math.min(...signed), Math.max(...signed)]
  const range = fewest === most ? `${fewest}` : `${fewest} to ${most}`
  return `confirmed in each round by the signatures of ${range} hospitals, which countersign the head of the event log with it`
}

const sealedEntries: readonly (readonly [string, Html])[] = [
  [
    'Aggregation',
    html`<strong class="alarm">Sealed, no secure aggregation:</strong> each update travelled encrypted to the key of this run, and the coordinator, which holds that key, could open every single one.`,
  ],
]

function logEntry({ logHead, audit }: Report): readonly [string, Html] {
  return [
    'Event log',
    html`verified when this report was written, up to the head <code>${logHead}</code>; the audit bundle <code>${basename(audit.path)}</code> verified offline, ${audit.entries} entries checked one by one against the keys that the hospitals told one another (<code>roster.yaml</code>), Merkle root <code>${audit.root}</code>`,
  ]
}

const limits = html`<p class="remark">What this does not do: a hospital’s update is not seen, so neither is a poisoned one; if all hospitals but one work together, they know what the last one added; two trainings whose hospitals differ by one differ by what it added; a patient of two hospitals may have trained the model at one and tested it at the other; the model itself, which everybody receives, can still tell something about the records it learned from.</p>`
