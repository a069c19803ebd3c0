import { createHash, randomBytes } from "node:crypto";
import type { FirstLogin } from "../../src/auth/control-plane.ts";
import { type Answer, APPLICATION, type Ask, type House, managementGrant, managementToken, RESIDENT } from "./house.ts";

/** How a step's request is made: straight to the house, or measured on the way. */
export type Send = (step: Step, path: string, ask?: Ask) => Promise<Answer>;

export const STEPS = [
  "client_credentials",
  "GET /authorize",
  "POST /u/login/identifier",
  "POST /u/enter-password",
  "authorization_code",
  "refresh_token",
  "GET /userinfo",
  "GET /api/v2/users",
] as const;
export type Step = (typeof STEPS)[number];

/** Every flow once, each step on what the step before has given. Throws at the first answer that is not the good one. */
export async function walkThrough(house: House, login: FirstLogin, send: Send): Promise<void> {
  await send("client_credentials", "/oauth/token", { form: managementGrant(login) }).then(tokensOf);
  const { code, verifier } = await logIn(house, send);
  const tokens = tokensOf(await send("authorization_code", "/oauth/token", { form: redemption(code, verifier) }));
  const refreshed = tokensOf(
    await send("refresh_token", "/oauth/token", {
      form: { ...credentials, grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" },
    }),
  );
  okay(await send("GET /userinfo", "/userinfo", { token: refreshed.access_token }), 200);
  const token = await managementToken(house, login);
  okay(await send("GET /api/v2/users", "/api/v2/users", { token }), 200);
}

/** Authorization code + PKCE through the login pages, in a browser that was never here. */
export async function logIn(house: House, send: Send = (_step, path, ask) => house.ask(path, ask)) {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: APPLICATION.clientId,
    redirect_uri: APPLICATION.redirectUri,
    audience: APPLICATION.audience,
    scope: "openid profile email offline_access",
    state: randomBytes(8).toString("base64url"),
    nonce: randomBytes(8).toString("base64url"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const username = RESIDENT.email;
  const identifier = redirectOf(await send("GET /authorize", `/authorize?${query}`));
  const password = redirectOf(await send("POST /u/login/identifier", identifier, { form: { username } }));
  const answer = await send("POST /u/enter-password", password, { form: { username, password: RESIDENT.password } });
  const code = new URL(redirectOf(answer)).searchParams.get("code");
  if (!code) throw new Error(`The password led to ${answer.location}, not to a code`);
  return { code, verifier };
}

const credentials = { client_id: APPLICATION.clientId, client_secret: APPLICATION.clientSecret };

/** The form with which a code is redeemed. */
export const redemption = (code: string, verifier: string) => ({
  ...credentials,
  grant_type: "authorization_code",
  code,
  code_verifier: verifier,
  redirect_uri: APPLICATION.redirectUri,
});

/** The form with which a refresh token is used. */
export const refreshing = (refresh_token: string) => ({ ...credentials, grant_type: "refresh_token", refresh_token });

export function tokensOf(answer: Answer): { access_token: string; refresh_token?: string } {
  return JSON.parse(okay(answer, 200).text);
}

function okay(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer;
  throw new Error(`Answered ${answer.status} instead of ${status}: ${answer.text}`);
}

const redirectOf = (answer: Answer): string => okay(answer, 302).location ?? "";
