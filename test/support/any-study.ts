/** A policy under which every study of a lead that it names is approved in passing, however few rows there are. */
import { defaultPolicy, type Policy, waivableRules } from '../../site-agent/policy.ts'

export const anyStudy: Pick<Policy, 'approve' | 'rows'> = {
  approve: { ...defaultPolicy.approve, accept: [...waivableRules] },
  rows: { rowsMin: 1, testRowsMin: 0 },
}
