import { expect } from "vitest";
import { openInProcess } from "./in-process.ts";
import { createZone } from "./zone.ts";

const DAY_MS = 86_400_000;

/** The house began a while ago, so that time can pass without its tokens running out. */
const AGE_DAYS = 30;

/** A custom domain as the Management API shows it. */
export interface Domain {
  readonly custom_domain_id: string;
  readonly domain: string;
  readonly status: string;
  readonly primary: boolean;
  readonly verification: {
    readonly methods: readonly { readonly name: string; readonly record: string; readonly domain: string }[];
    readonly expires_at?: string;
    readonly error_msg?: string;
  };
}

export type HouseWithDomains = Awaited<ReturnType<typeof openWithDomains>>;

/** A house in this process with the tenants `acme` and `beta`, a DNS zone that it asks, and a clock. */
export async function openWithDomains() {
  const zone = createZone();
  let behindMs = AGE_DAYS * DAY_MS;
  const clock = () => new Date(Date.now() - behindMs);
  const house = await openInProcess({ UNDELETE_DAYS: "7" }, { clock, resolveTxt: zone.resolveTxt });
  const token = await house.machineToken();
  for (const id of ["acme", "beta"]) await house.made("/tenants", { token, json: { id, friendly_name: id } });

  const asTenant = (tenantId: string) => ({ token, headers: { "tenant-id": tenantId } });
  const pathOf = (id: string) => `/custom-domains/${id}`;
  const ask = async (tenantId: string, path: string, init: object = {}) => {
    const answer = await house.api(path, { ...asTenant(tenantId), ...init });
    const text = await answer.text();
    return { status: answer.status, body: /^[[{]/.test(text) ? JSON.parse(text) : text };
  };
  const claim = (tenantId: string, domain: unknown) =>
    ask(tenantId, "/custom-domains", { json: { domain, type: "self_managed_certs" } });
  const verify = (tenantId: string, { custom_domain_id: id }: Domain) =>
    ask(tenantId, `${pathOf(id)}/verify`, { method: "POST" });
  const remove = (tenantId: string, { custom_domain_id: id }: Domain) =>
    ask(tenantId, pathOf(id), { method: "DELETE" });
  const list = async (tenantId: string): Promise<Domain[]> => (await ask(tenantId, "/custom-domains")).body;

  const claimed = async (tenantId: string, name: string): Promise<Domain> => {
    const { status, body } = await claim(tenantId, name);
    expect([status, body]).toEqual([201, expect.anything()]);
    return body;
  };
  /** Sets the record that a claim asks for. */
  const prove = ({ verification: { methods } }: Domain): void => {
    for (const { domain, record } of methods) zone.set(domain, record);
  };

  return {
    ...{ house, token, clock, zone, asTenant, ask, pathOf, claim, claimed, prove, verify, remove, list },

    pass(days: number): void {
      behindMs -= days * DAY_MS;
    },

    get: (tenantId: string, { custom_domain_id: id }: Domain) => ask(tenantId, pathOf(id)),

    async verified(tenantId: string, name: string): Promise<Domain> {
      const domain = await claimed(tenantId, name);
      prove(domain);
      const { status, body } = await verify(tenantId, domain);
      expect([status, body.status]).toEqual([200, "ready"]);
      return body;
    },

    /** As at the beginning: no domains, an empty zone. */
    async clear(): Promise<void> {
      zone.clear();
      zone.fail();
      for (const id of ["acme", "beta"]) for (const domain of await list(id)) await remove(id, domain);
    },

    /** The issuer that a host publishes, or why it does not. */
    async issuerAt(host: string): Promise<string> {
      const answer = await house.send(host, "/.well-known/openid-configuration");
      const body = (await answer.json()) as { issuer?: string; errorCode?: string };
      return body.issuer ?? `${answer.status} ${body.errorCode}`;
    },

    /** The issuer of a tenant at its sub-domain, and at a domain of its own. */
    ownIssuer: (tenantId: string) => house.issuer.replace("//", `//${tenantId}.`),
    issuerOn: (domain: string) => house.issuer.replace("localhost", domain),
  };
}
