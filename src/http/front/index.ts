import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import type { Clock } from "../../domain/clock.ts";
import type { Pending } from "../../domain/pending.ts";
import type { VersionOf } from "../../tenancy/caching.ts";
import type { Changeable } from "../../tenancy/protect-synced.ts";
import type { ReferenceOptions } from "../reference/document.ts";
import { apiReference } from "./api-reference.ts";
import { type Audit, auditAccess, auditRefusals } from "./audit.ts";
import { basicCredentials } from "./basic-credentials.ts";
import { bodyLimit } from "./body-limit.ts";
import { bodyType } from "./body-type.ts";
import { callbackRelay } from "./callback-relay.ts";
import { canonicalHost } from "./canonical-host.ts";
import { changePassword } from "./change-password.ts";
import { clientIp, type PeerAddress } from "./client-ip.ts";
import { clientSecrets } from "./client-secrets.ts";
import { codeTrial } from "./code-trial.ts";
import { cookies } from "./cookies.ts";
import { draft } from "./draft.ts";
import { answerError } from "./errors.ts";
import type {
  Affiliations,
  Exchange,
  FrontEnv,
  FrontLog,
  LogoutUrls,
  OwnDomains,
  PageSources,
  PasswordResets,
  Placements,
  SigningKeys,
  StateOwners,
} from "./exchange.ts";
import { foreignTokens } from "./foreign-tokens.ts";
import { forgottenPassword } from "./forgotten-password.ts";
import { asking, forward, type Inner } from "./forward.ts";
import { guard } from "./guard.ts";
import { headAsGet } from "./head-as-get.ts";
import { hosts, type ResolveLabel } from "./hosts.ts";
import { logoutUrls } from "./logout-urls.ts";
import { mailProvider } from "./mail-provider.ts";
import { type ListMails, mailbox } from "./mailbox.ts";
import { managementAway } from "./management-away.ts";
import { managementBody } from "./management-body.ts";
import { type Observe, observed, observing, type RequestBegun } from "./observed.ts";
import { type OrganizationGrants, organizationGrants } from "./organization-grants.ts";
import { originCheck } from "./origin-check.ts";
import { pages } from "./pages.ts";
import { patchKeys } from "./patch-keys.ts";
import { plainErrors } from "./plain-errors.ts";
import { type AskReadiness, probes } from "./probes.ts";
import { type AnsweredAtOnce, type Asked, published, type StandingAtHand } from "./published.ts";
import { schemaErrors } from "./schema-errors.ts";
import { secondFactor } from "./second-factor.ts";
import { setupClosed } from "./setup-closed.ts";
import { synced } from "./synced.ts";
import { tenant } from "./tenant.ts";
import { tenantState } from "./tenant-state.ts";
import { tokenErrors } from "./token-errors.ts";
import { tokenIssuer } from "./token-issuer.ts";
import { type TraceRequest, traced } from "./traced.ts";
import { type BringUpToDate, upToDate } from "./up-to-date.ts";
import { type VerifyDomain, verifyDomain } from "./verify-domain.ts";
import { widgetFiles } from "./widget-files.ts";

export interface FrontOptions {
  /** The control plane's origin; its scheme and port hold for every tenant. */
  readonly issuer: URL;
  /** Children are `{tenant}.{baseDomain}`; without it only the control plane has a host. */
  readonly baseDomain: string | undefined;
  readonly controlPlaneTenantId: string;
  /** Labels below the base domain that are nobody's, in lower case. */
  readonly reservedSubdomains?: readonly string[];
  /** Default: the label is the tenant's id. */
  readonly resolveSubdomain?: ResolveLabel;
  /** Addresses and CIDR ranges of the proxies whose `x-forwarded-*` count. */
  readonly trustedProxies: readonly string[];
  readonly placements: Placements;
  readonly domains: OwnDomains;
  readonly verifyDomain: VerifyDomain;
  readonly keys: SigningKeys;
  readonly states: StateOwners;
  readonly logoutUrls: LogoutUrls;
  readonly affiliations: Affiliations;
  readonly organizationGrants: OrganizationGrants;
  /** Whether the control plane cannot be asked right now who may do what. Default: it can. */
  readonly isAway?: () => boolean;
  /** Default true; false lets every operator's token into every tenant. */
  readonly requireOrganizationMatch?: boolean;
  /** Throws for what the control plane owns in a tenant. */
  readonly changeable: Changeable;
  readonly passwordResets: PasswordResets;
  /** What goes on behind its answer. */
  readonly pending: Pending;
  readonly pageSources: PageSources;
  /** Lists the mail that is kept instead of sent, where it is. */
  readonly mails?: ListMails;
  /** Where refusals and operators' accesses are written down, if anywhere. */
  readonly audit?: Audit;
  /** Changes with everything that a tenant's discovery and key set are made of; without it they are made each time. */
  readonly versionOf?: VersionOf | undefined;
  /** The same as far as nobody is asked for it; without it nothing is answered at once. */
  readonly atHand?: StandingAtHand | undefined;
  /** Runs before a tenant's roles, APIs or connections are read. */
  readonly bringUpToDate?: BringUpToDate | undefined;
  /** What the API reference says. */
  readonly reference: ReferenceOptions;
  /** Told of every request. */
  readonly begun?: RequestBegun | undefined;
  /** Runs every request but the probes as a part of a trace. Default: nothing is added for it. */
  readonly trace?: TraceRequest | undefined;
  /** Default: whatever is up is ready. */
  readonly readiness?: AskReadiness | undefined;
  /** AuthHero's `app.fetch`. */
  readonly inner: Inner;
  /** What AuthHero finds in `env` besides the tenant's URLs. */
  readonly env?: Readonly<Record<string, unknown>>;
  readonly log: FrontLog;
  readonly clock: Clock;
  /** Default: the socket's, under `@hono/node-server`. */
  readonly peerAddress?: PeerAddress;
}

export interface Front {
  readonly fetch: Hono<FrontEnv>["fetch"];
  /** Answers what needs nobody's answer, counted and logged as by `fetch`; null for everything else, which is for `fetch`. */
  atOnce(asked: Asked): AnsweredAtOnce | null;
}

/**
 * The outer app around AuthHero: what it cannot know about many tenants, or gets wrong, is put right here and nowhere
 * else. Each middleware has one duty and is named after it; their order is the order in which things get known.
 */
export function createFront(options: FrontOptions): Front {
  const { inner, placements, pending, log, clock, env = {}, peerAddress = socketAddress } = options;
  if (options.requireOrganizationMatch === false) log.warn("guard.organization_match_off", UNSAFE);
  const app = new Hono<FrontEnv>();
  // What is traced goes the whole way.
  const documents = published({ ...options, rules: options, ...(options.trace && { atHand: undefined }) });
  const observe = observing(options.begun, log);
  const chain = [
    observed(observe),
    ...(options.trace ? [] : [documents.early]),
    probes(options.readiness),
    bodyLimit(),
    draft(clock),
    clientIp(options.trustedProxies, peerAddress),
    // Behind it: who is not trusted has no say in which trace this belongs to.
    ...(options.trace ? [traced(options.trace)] : []),
    hosts(options, placements, options.domains),
    mailbox(options.mails ?? null, options.controlPlaneTenantId),
    tenant(),
    headAsGet(),
    documents.late,
    canonicalHost(),
    plainErrors(),
    setupClosed(),
    callbackRelay(options.states, options, placements),
    originCheck(),
    managementAway(options.isAway ?? (() => false)),
    auditRefusals(options.audit),
    guard(options),
    foreignTokens(),
    tokenIssuer(options),
    tenantState(),
    auditAccess(options.audit),
    upToDate(options.bringUpToDate),
    managementBody(options.reference.described),
    basicCredentials(),
    logoutUrls(options.logoutUrls),
    changePassword({ resets: options.passwordResets, ask: asking({ inner, env }), pending, log }),
    forgottenPassword(options.passwordResets),
    organizationGrants(options.organizationGrants),
    synced(options.changeable),
    clientSecrets(),
    patchKeys(),
    verifyDomain(options.verifyDomain),
    mailProvider(options.passwordResets),
    codeTrial(),
    cookies(),
    tokenErrors(),
    widgetFiles(),
    apiReference(options.reference),
    pages(options.pageSources),
    secondFactor(),
    bodyType(),
    schemaErrors(),
  ];
  for (const middleware of chain) app.use(middleware);
  app.all("*", forward({ inner, env, log }));
  app.onError((error, c) => answerError(c, error, { requestId: c.get("requestId") }, log));
  return { fetch: app.fetch, atOnce: observedAtOnce(documents.atOnce, observe) };
}

/** What is not answered at once is not counted here: it will be on the whole way. */
const observedAtOnce =
  (atOnce: Front["atOnce"], observe: Observe): Front["atOnce"] =>
  (asked) => {
    const beganMs = performance.now();
    const answered = atOnce(asked);
    if (!answered) return null;
    const { status, requestId, target } = answered;
    observe(beganMs)({ ...asked, status, requestId, tenantId: target.tenantId });
    return answered;
  };

const UNSAFE = { message: "requireOrganizationMatch is false: every operator's token reaches every tenant" };

/** Called as a plain function, as libraries do, the app has no socket. */
function socketAddress(c: Exchange): string | undefined {
  const env: unknown = c.env;
  const hasSocket = typeof env === "object" && env !== null && "incoming" in env;
  return hasSocket ? getConnInfo(c).remote.address : undefined;
}
