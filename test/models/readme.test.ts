/** The operator table of models/README.md is the gradient table. */
import { readFileSync } from 'node:fs'
import { gradientFamilies } from '@consilium/models/autodiff/gradients/index.ts'
import { noGradient } from '@consilium/models/autodiff/gradients/none.ts'
import { expect, test } from 'vitest'

test('the README lists exactly the operators of the gradient table, family by family', () => {
  const text = readFileSync(new URL('../../models/README.md', import.meta.url), 'utf8')
  const rows = text
    .slice(text.indexOf('| family |'))
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
  const written = Object.fromEntries(
    rows.map((line) => {
      const [, family = '', operators = ''] = line.split('|').map((cell) => cell.trim())
      return [
        family,
        operators
          .replace(/:.*/, '')
          .split(', ')
          .filter((operator) => operator !== '(none yet)'),
      ]
    }),
  )
  const families = Object.entries(gradientFamilies).map(([family, table]) => [family, Object.keys(table).sort()])
  expect(written).toEqual({ ...Object.fromEntries(families), none: [...noGradient].sort() })
})
