/** The name under which an upload is staged: one for each site and plan. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'

export function uploadId(planHash: Sha256, site: SiteName): string {
  return `${planHash}-${site}`
}
