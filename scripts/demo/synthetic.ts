/**
 * Four generated hospitals in the format of the UCI heart-disease files, for where neither a data folder nor the network
 * is at hand. Every value is drawn from a fixed seed around class means of our own choosing; nothing is derived from a
 * patient, and the sites are named `synthetic-...` so that the label travels with them.
 */

export type SyntheticHospital = { readonly site: string; readonly rows: number; readonly text: string }

/** How the hospitals differ: size, age, share of men and of the ill, and how often a value was not taken. */
type Profile = {
  readonly site: string
  readonly rows: number
  readonly ageMean: number
  readonly maleShare: number
  readonly illShare: number
  readonly cholesterolShift: number
  readonly missingShare: number
  readonly lateColumnsMissingShare: number
}

const profiles: readonly Profile[] = [
  {
    site: 'synthetic-a',
    rows: 310,
    ageMean: 54,
    maleShare: 0.66,
    illShare: 0.46,
    cholesterolShift: 0,
    missingShare: 0,
    lateColumnsMissingShare: 0.02,
  },
  {
    site: 'synthetic-b',
    rows: 280,
    ageMean: 48,
    maleShare: 0.71,
    illShare: 0.37,
    cholesterolShift: 6,
    missingShare: 0.02,
    lateColumnsMissingShare: 0.8,
  },
  {
    site: 'synthetic-c',
    rows: 120,
    ageMean: 56,
    maleShare: 0.88,
    illShare: 0.74,
    cholesterolShift: -18,
    missingShare: 0.03,
    lateColumnsMissingShare: 0.7,
  },
  {
    site: 'synthetic-d',
    rows: 190,
    ageMean: 59,
    maleShare: 0.94,
    illShare: 0.66,
    cholesterolShift: -10,
    missingShare: 0.04,
    lateColumnsMissingShare: 0.85,
  },
]

/** The same four files for the same seed, on every machine. */
export function syntheticCohort(seed = 20_261_122): readonly SyntheticHospital[] {
  return profiles.map((profile, i) => {
    const draw = randomDraws(seed + i)
    const lines = Array.from({ length: profile.rows }, () => record(profile, draw).join(','))
    return { site: profile.site, rows: profile.rows, text: `${lines.join('\n')}\n` }
  })
}

/** One line: the 13 features in the order of the UCI files, then the diagnosis 0 (well) to 4. */
function record(profile: Profile, draw: Draws): (string | number)[] {
  const ill = draw.chance(profile.illShare)
  const when = (ifIll: number, ifWell: number) => (ill ? ifIll : ifWell)
  const male = draw.chance(clamp(profile.maleShare + when(0.05, -0.05), 0.02, 0.98))
  const maybe = (value: string | number, share: number) => (draw.chance(share) ? '?' : value)
  const early = [
    Math.round(clamp(draw.normal(profile.ageMean + when(1.5, -1.5), 8.5), 28, 79)),
    male ? 1 : 0,
    draw.level(ill ? [0.05, 0.1, 0.22, 0.63] : [0.08, 0.27, 0.32, 0.33]) + 1,
    Math.round(clamp(draw.normal(131 + when(2, -2), 17), 92, 200)),
    Math.round(clamp(draw.normal(243 + profile.cholesterolShift + when(6, -4), 48), 120, 480)),
    draw.chance(when(0.2, 0.13)) ? 1 : 0,
    draw.level(ill ? [0.52, 0.2, 0.28] : [0.64, 0.14, 0.22]),
    Math.round(clamp(draw.normal(140 + when(-6, 6), 23), 71, 202)),
    draw.chance(when(0.52, 0.22)) ? 1 : 0,
    Math.round(clamp(draw.normal(when(1.3, 0.6), 0.95), 0, 6.2) * 10) / 10,
  ]
  const late = [
    draw.level(ill ? [0.25, 0.6, 0.15] : [0.5, 0.42, 0.08]) + 1,
    draw.level(ill ? [0.4, 0.28, 0.2, 0.12] : [0.75, 0.15, 0.07, 0.03]),
    [3, 6, 7][draw.level(ill ? [0.4, 0.1, 0.5] : [0.75, 0.05, 0.2])]!,
  ]
  return [
    ...early.map((value, column) => (column < 3 ? value : maybe(value, profile.missingShare))),
    ...late.map((value) => maybe(value, profile.lateColumnsMissingShare)),
    ill ? draw.level([0.45, 0.22, 0.22, 0.11]) + 1 : 0,
  ]
}

type Draws = {
  chance(share: number): boolean
  normal(mean: number, standardDeviation: number): number
  /** Index of one of the shares, which sum to 1. */
  level(shares: readonly number[]): number
}

/** Draws from SplitMix32 (a 32-bit finaliser of a Weyl sequence): reproducible, and of no use for secrets. */
function randomDraws(seed: number): Draws {
  let state = seed | 0
  const uniform = () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
  return {
    chance: (share) => uniform() < share,
    // Twelve uniform draws: normal enough here, and free of functions whose last digit differs between machines.
    normal: (mean, standardDeviation) =>
      mean + standardDeviation * (Array.from({ length: 12 }, uniform).reduce((sum, x) => sum + x, 0) - 6),
    level: (shares) => {
      let left = uniform()
      for (const [index, share] of shares.entries()) {
        left -= share
        if (left < 0) return index
      }
      return shares.length - 1
    },
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
