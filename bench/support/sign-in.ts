import { createHash } from "node:crypto";
import { APPLICATION, AUDIENCE, emailOf, PASSWORD } from "./acme.ts";
import { type Answer, type Ask, expected } from "./ask.ts";
import type { Side } from "./contest.ts";

const VERIFIER = "dBjftJeZ4CVP-mBmdS4lzQu8ZyGc3x4J5cZ0wq1rT7E";
const CREDENTIALS = { client_id: APPLICATION.clientId, client_secret: APPLICATION.clientSecret };

export const isProvider = ({ name }: Side): boolean => name === "oidc-provider";

export const SCOPE = "openid profile email";
export const OFFLINE = `${SCOPE} offline_access`;

/** `/authorize` of the application with PKCE, for the API or, without it, for the profile alone. */
export function authorization(side: Side, scope = SCOPE, api = true): Ask {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: APPLICATION.clientId,
    redirect_uri: APPLICATION.redirectUri,
    scope,
    ...(api && (isProvider(side) ? { resource: AUDIENCE } : { audience: AUDIENCE })),
    state: "a-state-of-the-application",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
  });
  return { ...placeOf(side), path: `${isProvider(side) ? "/auth" : "/authorize"}?${query}` };
}

/** The pages of a login behind `/authorize`, in their order; each follows from the answer before it. */
export const pagesOf = (side: Side, person: number) => {
  const username = emailOf(person);
  return [
    (before: Answer): Ask => ({ ...placeOf(side), path: before.location, form: { username } }),
    (before: Answer): Ask => ({ ...placeOf(side), path: before.location, form: { username, password: PASSWORD } }),
  ];
};

/** Signs a person in; the cookie signs them in everywhere else, without a page. */
export async function signIn(side: Side, person = 0): Promise<string> {
  if (isProvider(side)) return await throughInteraction(side);
  let answer = await expected(302, authorization(side));
  for (const page of pagesOf(side, person)) answer = await expected(302, page(answer));
  if (!answer.location.startsWith(APPLICATION.redirectUri)) throw new Error(`the login led to ${answer.location}`);
  return answer.cookie;
}

/** The provider's own pages are not ours to measure: its server answers them by itself. */
async function throughInteraction(side: Side): Promise<string> {
  const cookies: string[] = [];
  let wanted = authorization(side);
  for (;;) {
    const { cookie, location } = await expected(303, { ...wanted, cookie: cookies.join("; ") });
    cookies.push(cookie);
    if (location.startsWith(APPLICATION.redirectUri)) return cookies.join("; ");
    wanted = { ...placeOf(side), path: location };
  }
}

/** A code of somebody who is signed in, and the request that redeems it. */
export async function redemption(side: Side, cookie: string, scope?: string, api = true): Promise<Ask> {
  const { location } = await expected(isProvider(side) ? 303 : 302, { ...authorization(side, scope, api), cookie });
  const code = new URL(location, `http://${side.host}`).searchParams.get("code");
  if (!code) throw new Error(`${side.name} gave no code but ${location}`);
  const { redirectUri: redirect_uri } = APPLICATION;
  return tokenAsk(side, { grant_type: "authorization_code", code, redirect_uri, code_verifier: VERIFIER }, api);
}

export const refreshing = (side: Side, refresh_token: string): Ask =>
  tokenAsk(side, { grant_type: "refresh_token", refresh_token });

const tokenAsk = (side: Side, form: Readonly<Record<string, string>>, api = true): Ask => ({
  ...placeOf(side),
  path: isProvider(side) ? "/token" : "/oauth/token",
  form: { ...CREDENTIALS, ...form, ...(api && isProvider(side) && { resource: AUDIENCE }) },
});

/** What a redemption or a refresh gives. */
export async function tokensOf(wanted: Ask): Promise<Readonly<Record<string, string>>> {
  return JSON.parse((await expected(200, wanted)).text);
}

const placeOf = ({ port, host }: Side) => ({ port, host });
