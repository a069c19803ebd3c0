import type { Case } from "../case.ts";
import { PEOPLE } from "../support/acme.ts";
import { type Ask, expected } from "../support/ask.ts";
import { contest, type Side } from "../support/contest.ts";
import { onceEach, type Round, steadily, walked } from "../support/load.ts";
import {
  authorization,
  isProvider,
  OFFLINE,
  pagesOf,
  redemption,
  refreshing,
  SCOPE,
  signIn,
  tokensOf,
} from "../support/sign-in.ts";

/** Codes that are made before each round, because each is good for one exchange. */
const CODES = 160;

/** So many people's tokens are refreshed in turn: not always the same row. */
const REFRESH_TOKENS = 64;

/** A password is hashed for some 60 ms, one after the other: a round of these takes two seconds. */
const LOGINS = PEOPLE;

export const signInCase: Case = {
  about: "password logins, code exchanges, refreshes and userinfo, against the floor and oidc-provider",

  run: (bench) =>
    contest(bench, [
      { what: "password logins, from /authorize to the code", against: { floor: null }, prepare: logins },
      { what: "code exchanges", against: { floor: null, "oidc-provider": null }, prepare: exchanges },
      { what: "refreshes", against: { floor: null, "oidc-provider": null }, prepare: refreshes },
      { what: "userinfo", against: { floor: null, "oidc-provider": null }, prepare: profiles },
    ]),
};

async function logins(side: Side): Promise<Round> {
  const walk = { start: authorization(side), steps: (walker: number) => pagesOf(side, walker % PEOPLE), status: 302 };
  await signIn(side);
  await walked(walk, LOGINS);
  return () => walked(walk, LOGINS);
}

async function exchanges(side: Side): Promise<Round> {
  const cookie = await signIn(side);
  const first = await redemption(side, cookie, OFFLINE);
  // What answers from memory, answers the same code again and again.
  if (side.name === "floor") return await steadily({ asks: [first], status: 200 });
  const round = async () => {
    const asks = await Promise.all(Array.from({ length: CODES }, () => redemption(side, cookie, OFFLINE)));
    return await onceEach({ asks, status: 200 });
  };
  const tokens = await tokensOf(first);
  if (!tokens.access_token || !tokens.id_token || !tokens.refresh_token) throw new Error(`${side.name} gave no tokens`);
  await round();
  return round;
}

async function refreshes(side: Side): Promise<Round> {
  const cookie = await signIn(side);
  const asks: Ask[] = [];
  for (let count = 0; count < (side.name === "floor" ? 1 : REFRESH_TOKENS); count += 1) {
    const { refresh_token = "" } = await tokensOf(await redemption(side, cookie, OFFLINE));
    asks.push(refreshing(side, refresh_token));
  }
  return await steadily({ asks, status: 200 });
}

async function profiles(side: Side): Promise<Round> {
  const { access_token = "" } = await tokensOf(await redemption(side, await signIn(side), SCOPE, false));
  const { port, host } = side;
  const wanted = { port, host, path: isProvider(side) ? "/me" : "/userinfo", token: access_token };
  const { sub } = JSON.parse((await expected(200, wanted)).text);
  if (!sub) throw new Error(`${side.name} does not say whose token it is`);
  return await steadily({ asks: [wanted], status: 200 });
}
