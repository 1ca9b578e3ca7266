/** The coordinator's service as the wire sees it: lies in, lies out, everything written down. */
import type {
  FederationService,
  FromSite,
  SiteStream,
  StreamListener,
  ToSite,
} from '@consilium/coordinator/services.ts'
import type { LogProof, LogProofRequest } from '@consilium/protos/control-messages.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Policy } from '@consilium/site-agent/policy.ts'
import type { StartTrainer } from '@consilium/site-agent/train/trainer.ts'
import { collect } from '../collect.ts'
import type { HostileFederation } from './federation.ts'
import { type Heard, keepingChunks, planIn, type Told } from './recorded.ts'
import type { SiteLies } from './site.ts'

export type Lies = {
  /** What a site is told in place of a message: another, several, or none. */
  readonly toSite?: (told: Told, federation: HostileFederation) => readonly ToSite[]
  /** What the coordinator takes a site's message for; the record has the site's own. */
  readonly fromSite?: (heard: Heard, federation: HostileFederation) => readonly FromSite[]
  readonly proveLog?: (
    proof: LogProof,
    request: LogProofRequest & { readonly site: SiteName },
    federation: HostileFederation,
  ) => LogProof
  /** Whether an upload is taken whatever was signed about it, and the books do not hear of it. */
  readonly takesUpload?: (site: SiteName, plan: RoundPlan) => boolean
  /** Sites that are no agents, and what each does. */
  readonly sites?: Readonly<Record<SiteName, SiteLies>>
  /** Sites whose keys every other site pins; all where not given. */
  readonly pinned?: readonly SiteName[]
  /** The sites; four where not given. */
  readonly names?: readonly SiteName[]
  /** What stands in each site's `policy.yaml` in place of a policy that lets any study of the lead pass. */
  readonly policy?: (
    site: SiteName,
  ) => Partial<Pick<Policy, 'rows' | 'secure' | 'recovery'>> & { readonly approve?: Partial<Policy['approve']> }
  /** In place of a made-up trainer. */
  readonly trainer?: (site: SiteName, number: number) => StartTrainer | undefined
  /** Files of each site's folder, `site.yaml` among them: real trainers read these in place of made-up ones. */
  readonly data?: (site: SiteName) => Readonly<Record<string, string>>
}

export type Streaming = { readonly stream: SiteStream; readonly listener: StreamListener }

export type Lying = {
  readonly federationOf: () => HostileFederation
  readonly streams: Map<SiteName, Streaming>
  readonly aliases: Aliases
  readonly wake: () => void
}

export function lying(
  honest: FederationService,
  lies: Lies,
  { federationOf, streams, aliases, wake }: Lying,
): FederationService {
  return {
    ...honest,
    attend(stream, hello) {
      const { site } = stream.caller
      const federation = federationOf()
      const { recorded, plans } = federation
      recorded.heard.push({ site, message: hello })
      const lyingStream: SiteStream = {
        ...stream,
        send(message) {
          if (message.type === 'assignment') plans.set(planHash(planIn(message.plan)), planIn(message.plan))
          for (const each of lies.toSite ? lies.toSite({ site, message }, federation) : [message]) {
            const told = aliases.outgoing(site, each)
            recorded.told.push({ site, message: told })
            stream.send(told)
          }
          wake()
        },
      }
      const listener = honest.attend(lyingStream, hello)
      streams.set(site, { stream, listener })
      return {
        closed: () => listener.closed(),
        receive(message) {
          recorded.heard.push({ site, message })
          const taken = aliases.incoming(site, message)
          for (const each of lies.fromSite ? lies.fromSite({ site, message: taken }, federation) : [taken])
            listener.receive(each)
          wake()
        },
      }
    },
    async proveLog(caller, request) {
      const proof = await honest.proveLog(caller, request)
      return lies.proveLog?.(proof, { ...request, site: caller.site }, federationOf()) ?? proof
    },
    uploadOffset: (caller, plan) => honest.uploadOffset(caller, aliases.trueHash(caller.site, plan)),
    async upload(caller, header, chunks) {
      const { site } = caller
      const { planHash: plan, masked, offset } = header
      const { recorded, plans } = federationOf()
      const kept = masked ? keepingChunks(recorded, { site, planHash: plan, masked }, offset, chunks) : chunks
      try {
        if (lies.takesUpload?.(site, plans.get(plan)!)) {
          await collect(kept)
          return { size: header.size }
        }
        return await honest.upload(caller, { ...header, planHash: aliases.trueHash(site, plan) }, kept)
      } catch (error) {
        // What an honest coordinator does not take, this one takes all the same.
        await collect(kept).catch(() => {})
        throw error
      } finally {
        wake()
      }
    },
  }
}

export type Aliases = ReturnType<typeof openAliases>

/** Which forged plan stands for which true one, by site. */
export function openAliases() {
  const toForged = new Map<string, Sha256>()
  const toTrue = new Map<string, Sha256>()
  const trueHash = (site: SiteName, plan: Sha256) => toTrue.get(`${site} ${plan}`) ?? plan
  const forgedHash = (site: SiteName, plan: Sha256) => toForged.get(`${site} ${plan}`) ?? plan
  return {
    trueHash,
    beside: (site: SiteName, plan: Sha256, forged: Sha256) => void toTrue.set(`${site} ${forged}`, plan),
    replace(site: SiteName, plan: Sha256, forged: Sha256) {
      toTrue.set(`${site} ${forged}`, plan)
      toForged.set(`${site} ${plan}`, forged)
    },
    outgoing: (site: SiteName, message: ToSite): ToSite => about(message, (plan) => forgedHash(site, plan)),
    incoming: (site: SiteName, message: FromSite): FromSite => about(message, (plan) => trueHash(site, plan)),
  }
}

function about<Message extends ToSite | FromSite>(message: Message, map: (plan: Sha256) => Sha256): Message {
  return 'planHash' in message && message.planHash ? { ...message, planHash: map(message.planHash) } : message
}
