/**
 * The report as one HTML file that loads nothing: the style is inline and allowed by its hash, the curves are SVG, and
 * the content security policy refuses everything else.
 */
import { createHash } from 'node:crypto'
import { formatBytes } from '@consilium/protos/plain-text.ts'
import { lineChart, participationGrid } from './charts.ts'
import { type Html, html } from './html.ts'
import { cohortSites, measured, modelInputs, type Report, type RoundReport } from './report.ts'
import { protections } from './report-protections.ts'
import { reportStyle } from './report-style.ts'

export function reportHtml(report: Report): string {
  const styleHash = createHash('sha256').update(reportStyle, 'utf8').digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.synthetic && !/synthetic/i.test(report.title) ? 'SYNTHETIC DATA: ' : ''}${report.title}</title>
<style>${{ markup: reportStyle }}</style>
</head>
<body>
${report.synthetic ? syntheticBanner : html``}
<main>
${header(report)}
${figures(report)}
${curves(report)}
${report.aggregation === 'secure' ? hiddenSites(report) : sites(report)}
${participation(report)}
${roundTable(report)}
${protections(report)}
${provenance(report)}
</main>
<footer>Written by Consilium ${report.version}. This file loads nothing and sends nothing.</footer>
</body>
</html>
`
  return page.markup
}

const syntheticBanner = html`<div class="banner" role="note"><strong>Synthetic data.</strong> The hospitals in this report are generated. No record is a patient’s; no figure says anything about medicine.</div>`

function header(report: Report): Html {
  const outcome =
    report.state === 'finished'
      ? `finished after ${report.rounds.length} rounds`
      : `${report.state} after ${report.rounds.length} of ${report.roundsPlanned} rounds`
  return html`<header>
<p class="eyebrow">Federated training report</p>
<h1>${report.title}</h1>
<p class="lead">${cohortSites(report).length} hospitals trained one model; the run ${outcome}${report.subset && ` ${report.subset}`}${gapText(report)}. Their records stayed with them.</p>
${report.description === '' ? html`` : html`<p class="description">${report.description}</p>`}
</header>`
}

/** The last model is the one that people use: that nobody evaluated it stands first. */
function gapText({ rounds }: Report): string {
  const gap = rounds.at(-1)?.withheld
  return gap === undefined ? '' : `; its last model was not evaluated (${gap})`
}

function figures(report: Report): Html {
  const { final, rounds, statistics, seconds } = report
  const { auroc, accuracy } = measured(report)
  const bytes = [...rounds, ...(statistics ? [statistics] : [])].reduce((sum, round) => sum + round.uploadBytes, 0)
  const card = (label: string, value: string, note: string) =>
    html`<div class="card"><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`
  const examples = Object.values(final.perSite).reduce((sum, site) => sum + site.examples, 0)
  const rows = examples > 0 ? `${examples} test rows` : 'all test rows'
  return html`<dl class="cards">
${auroc ? card('AUROC', threeDigits(final.auroc), 'all test rows, pooled') : card('Loss', threeDigits(rounds.at(-1)?.loss ?? null), `mean over ${rows}`)}
${accuracy ? card('Accuracy', percent(final.accuracy), `of ${rows}`) : html``}
${accuracy ? card('Mean over sites', percent(final.meanSiteAccuracy), 'accuracy, each site alike') : html``}
${card('Rounds', `${rounds.length}`, `of ${report.roundsPlanned} planned, ${seconds.toFixed(1)} s`)}
${card('Uploaded', formatBytes(bytes), `${report.aggregation === 'secure' ? 'masked' : 'sealed'}, by all sites in all rounds`)}
</dl>`
}

function curves(report: Report): Html {
  const { rounds } = report
  const { auroc, accuracy } = measured(report)
  const numbers = rounds.map(({ round }) => round)
  const figure = (heading: string, note: string, chart: Html) =>
    html`<figure><figcaption><h3>${heading}</h3><p>${note}</p></figcaption>${chart}</figure>`
  return html`<section aria-labelledby="curves"><h2 id="curves">How it learned</h2>
<div class="charts">
${auroc ? figure('AUROC', 'of the new global model, all test rows', lineChart({ id: 'auroc', title: 'AUROC', values: rounds.map(({ auroc }) => auroc), rounds: numbers, format: threeDigits, spanMin: 0.1, bounds: [0, 1] })) : html``}
${figure('Loss', 'mean over all test rows', lineChart({ id: 'loss', title: 'Loss', values: rounds.map(({ loss }) => loss), rounds: numbers, format: threeDigits, spanMin: 0.1 }))}
${accuracy ? figure('Accuracy', 'share of all test rows', lineChart({ id: 'accuracy', title: 'Accuracy', values: rounds.map(({ accuracy }) => accuracy), rounds: numbers, format: percent, spanMin: 0.1, bounds: [0, 1] })) : html``}
</div></section>`
}

function sites(report: Report): Html {
  const { final, fingerprints, synthetic, siteLosses, rounds } = report
  const { auroc, accuracy } = measured(report)
  const entries = Object.entries(final.perSite)
  const examples = entries.reduce((sum, [, site]) => sum + site.examples, 0)
  const undefinedSites = entries.filter(([, site]) => site.auroc === null && site.examples > 0).map(([name]) => name)
  const number = (text: string) => html`<td class="number">${text}</td>`
  const cells = (loss: number | null, site: { readonly auroc: number | null; readonly accuracy: number | null }) => [
    auroc
      ? html`${number(threeDigits(site.auroc))}<td class="bar-column">${bar(site.auroc)}</td>`
      : number(threeDigits(loss)),
    accuracy ? number(percent(site.accuracy)) : html``,
  ]
  const heads = [
    auroc
      ? html`<th scope="col" class="number">AUROC</th><th scope="col" class="bar-column"><span class="unseen">AUROC as a bar</span></th>`
      : html`<th scope="col" class="number">Loss</th>`,
    accuracy ? html`<th scope="col" class="number">Accuracy</th>` : html``,
  ]
  return html`<section aria-labelledby="sites"><h2 id="sites">At each hospital</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Site</th><th scope="col" class="number">Test rows</th>${heads}<th scope="col">Identity</th></tr></thead>
<tbody>${entries.map(
    ([name, site]) =>
      html`<tr><th scope="row">${name}${synthetic ? html` <span class="tag">synthetic</span>` : html``}</th>${number(`${site.examples}`)}${cells(siteLosses[name] ?? null, site)}<td><code>${fingerprints.sites[name] ?? ''}</code></td></tr>`,
  )}</tbody>
<tfoot><tr><th scope="row">All test rows</th>${number(`${examples}`)}${cells(rounds.at(-1)?.loss ?? null, final)}<td></td></tr></tfoot>
</table></div>
${auroc ? aurocRemarks(undefinedSites) : html``}
</section>`
}

/** Secure mode: who the hospitals are, and no result of any one of them. */
function hiddenSites(report: Report): Html {
  const { final, fingerprints, synthetic, rounds } = report
  const { auroc, accuracy } = measured(report)
  const row = (name: string) => {
    const survived = rounds.filter(({ survivors }) => survivors.includes(name)).length
    return html`<tr><th scope="row">${name}${synthetic ? html` <span class="tag">synthetic</span>` : html``}</th><td class="number">${survived} of ${rounds.length}</td><td><code>${fingerprints.sites[name] ?? ''}</code></td></tr>`
  }
  return html`<section aria-labelledby="sites"><h2 id="sites">The hospitals</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Site</th><th scope="col" class="number">Rounds in the sum</th><th scope="col">Identity</th></tr></thead>
<tbody>${cohortSites(report).map(row)}</tbody>
</table></div>
<p class="remark">What a single hospital measured stays there: the coordinator received sums over the hospitals only.${accuracy ? html` Mean of the hospitals’ accuracies, each counting the same: ${percent(final.meanSiteAccuracy)}.` : html``}</p>
${auroc ? html`<p class="remark">${pooledAuroc}</p>` : html``}
</section>`
}

const pooledAuroc =
  'The pooled AUROC comes from the sum of the sites’ score histograms; no score of a single record left a hospital.'

function aurocRemarks(undefinedSites: readonly string[]): Html {
  return html`${undefinedSites.length === 0 ? html`` : html`<p class="remark">No AUROC for ${undefinedSites.join(', ')}: the test rows there carry one label only.</p>`}
<p class="remark">${pooledAuroc}</p>`
}

function participation(report: Report): Html {
  const gaps = report.rounds.flatMap(({ round, interrupted = [], withheld }) => {
    return [...interrupted, ...(withheld ? [withheld] : [])].map((text) => ({ round, text }))
  })
  const dropouts = report.rounds.flatMap(({ round, dropouts }) => dropouts.map((dropout) => ({ round, ...dropout })))
  return html`<section aria-labelledby="cohorts"><h2 id="cohorts">Who took part</h2>
<p class="legend"><span class="key survived"></span>took part <span class="key dropped"></span>dropped out <span class="key absent"></span>not in the cohort</p>
<div class="scroll">${participationGrid({ sites: siteNames(report), rounds: report.rounds })}</div>
${
  dropouts.length + report.refusals.length + gaps.length === 0
    ? html`<p class="remark">Every site of every cohort saw its round through.</p>`
    : html`<ul class="dropouts">${report.refusals.map(({ site, reason }) => html`<li><strong>${site}</strong> does not take part: ${reason}</li>`)}${dropouts.map(({ round, site, purpose, phase, reason }) => html`<li>Round ${round}, <strong>${site}</strong> (${purpose}, ${phase.replaceAll('-', ' ')}): ${reason}</li>`)}${gaps.map(({ round, text }) => html`<li>Round ${round}, ${text}</li>`)}</ul>`
}
</section>`
}

function roundTable({ rounds, statistics, aggregation }: Report): Html {
  const isSecure = aggregation === 'secure'
  const row = (round: RoundReport, name: string) =>
    html`<tr><th scope="row">${name}</th><td class="number">${round.survivors.length} of ${round.cohort.length}${contributed(round)}</td><td class="number">${threeDigits(round.trainingLoss)}</td><td class="number">${threeDigits(round.loss)}</td><td class="number">${threeDigits(round.auroc)}</td><td class="number">${percent(round.accuracy)}</td><td class="number">${percent(round.meanSiteAccuracy)}</td>${isSecure ? html`<td class="number"><span title="${round.secure?.confirmed.join(', ') ?? ''}">${round.secure ? `${round.secure.confirmed.length} of ${round.survivors.length}` : '–'}</span></td>` : html``}<td class="number">${percent(round.clippedShare)}</td><td class="number">${formatBytes(round.uploadBytes)}</td><td class="number">${round.seconds.toFixed(2)} s</td></tr>`
  return html`<section aria-labelledby="rounds"><h2 id="rounds">Round by round</h2>
<details><summary>All ${rounds.length} rounds in figures</summary>
<div class="scroll"><table>
<thead><tr><th scope="col">Round</th><th scope="col" class="number">Survivors</th><th scope="col" class="number">Training loss</th><th scope="col" class="number">Test loss</th><th scope="col" class="number">AUROC</th><th scope="col" class="number">Accuracy</th><th scope="col" class="number">Mean over sites</th>${isSecure ? html`<th scope="col" class="number">Confirmed</th>` : html``}<th scope="col" class="number">Clipped</th><th scope="col" class="number">Uploaded</th><th scope="col" class="number">Took</th></tr></thead>
<tbody>${statistics ? row(statistics, 'statistics') : html``}${rounds.map((round) => row(round, `${round.round}`))}</tbody>
</table></div></details></section>`
}

function provenance(report: Report): Html {
  const entry = (term: string, value: Html) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`
  const code = (text: string) => (text === '' ? html`not known` : html`<code>${text}</code>`)
  return html`<section aria-labelledby="provenance"><h2 id="provenance">Where this comes from</h2>
<dl class="provenance">
${entry('Data', html`${report.data}`)}
${entry('Study', html`${report.study} ${code(report.studySha256)}`)}
${entry('Run', html`<code>${report.run}</code> ${report.startedAt} to ${report.endedAt}`)}
${entry('Model', html`<code>${report.model.path}</code> SHA-256 ${code(report.model.sha256)}`)}
${entry('Parameters', html`SHA-256 ${code(report.parametersSha256)}`)}
${entry('Event log', html`head ${code(report.logHead)}`)}
${entry('Research lead', code(report.fingerprints.lead))}
${entry('Coordinator', code(report.fingerprints.coordinator))}
</dl>
<p class="remark">The exported model carries its preprocessing inside: it ${modelInputs(report)}.</p>
</section>`
}

function bar(value: number | null): Html {
  if (value === null) return html``
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8" rx="2"/><rect class="fill" width="${(value * 100).toFixed(1)}" height="8" rx="2"/></svg>`
}

/** Who gave zeros is known to nobody else. */
function contributed({ contributors, survivors }: RoundReport): string {
  return contributors === undefined || contributors === survivors.length ? '' : ` (${contributors} contributed)`
}

function siteNames({ final, refusals, rounds }: Report): string[] {
  return [
    ...new Set([
      ...Object.keys(final.perSite),
      ...refusals.map(({ site }) => site),
      ...rounds.flatMap(({ cohort }) => cohort),
    ]),
  ].sort()
}

function threeDigits(value: number | null): string {
  return value === null ? '–' : value.toFixed(3)
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`
}
