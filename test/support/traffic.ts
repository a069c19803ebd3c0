import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type Application, api, browser, discover, logIn } from "./clients.ts";
import type { RunningServer } from "./server.ts";

type Noted = <T extends { readonly status: number }>(request: Promise<T>) => Promise<T>;

/** Everything that goes on at a tenant, all the time, until it is stopped; each by two visitors or more. */
export interface Traffic {
  /** Of every answer so far, in order of arrival. */
  readonly statuses: readonly number[];
  /** Settles when so many more answers have come. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Logins, refreshed tokens, profiles and management of an application's tenant. */
export async function startTraffic(server: RunningServer, token: string, application: Application): Promise<Traffic> {
  const { issuer, clientId, clientSecret } = application;
  const { tokens } = await logIn(application, await discover(issuer, clientId, clientSecret));
  const [tenantId = ""] = new URL(issuer).hostname.split(".");
  const statuses: number[] = [];
  let over = false;
  const note: Noted = async (request) => {
    const answer = await request;
    statuses.push(answer.status);
    return answer;
  };

  const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" };
  const body = { ...form, client_id: clientId, client_secret: clientSecret };
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const visits = [
    () => note(fetch(`${issuer}userinfo`, { headers })),
    () => note(api(server, token, "/users", { headers: { "tenant-id": tenantId } })),
    () => note(fetch(`${issuer}oauth/token`, { method: "POST", body: new URLSearchParams(body) })),
    () => throughLogin(application, note),
    () => throughLogin(application, note),
  ];
  const again = async (visit: () => Promise<unknown>) => {
    while (!over) await visit();
  };
  const visitors = [...visits, ...visits].map(again);

  return {
    statuses,
    async more(count) {
      const enough = statuses.length + count;
      while (statuses.length < enough) await sleep(10);
    },
    async stop() {
      over = true;
      await Promise.all(visitors);
    },
  };
}

/** Authorization, e-mail, password, as far as the answers lead. */
async function throughLogin({ issuer, redirectUri, email, password }: Application, note: Noted): Promise<void> {
  const { visit } = browser();
  const query = new URLSearchParams({
    ...{ client_id: "default", response_type: "code", scope: "openid", state: "s" },
    redirect_uri: redirectUri,
  });
  let url = `${issuer}authorize?${query}`;
  const forms: (Record<string, string> | undefined)[] = [undefined, { username: email }, { username: email, password }];
  for (const fields of forms) {
    const answer = await note(visit(url, fields));
    const location = answer.headers.get("location");
    if (!location) return;
    url = new URL(location, url).href;
  }
}

/** What becomes of the traffic of a tenant that is deleted meanwhile: people get in until then, and nothing fails. */
export function expectRefusals({ statuses }: Traffic): void {
  expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([]);
  // What had begun before the answer is over by then, too.
  expect(new Set(statuses.slice(-20))).toEqual(new Set([404]));
  expect(statuses.filter((status) => status === 302).length).toBeGreaterThan(5);
}
