import type { Case } from "../case.ts";
import { expected } from "../support/ask.ts";
import { contest, type Side } from "../support/contest.ts";
import { steadily } from "../support/load.ts";
import { authorization, isProvider } from "../support/sign-in.ts";

export const authorize: Case = {
  about: "redirects of /authorize to the login, against the floor and oidc-provider",

  run: (bench) =>
    contest(bench, [
      {
        what: "authorize redirects",
        against: { floor: { atLeast: 0.8 }, "oidc-provider": null },
        prepare: redirects,
      },
    ]),
};

async function redirects(side: Side) {
  const wanted = authorization(side);
  const status = isProvider(side) ? 303 : 302;
  const { location } = await expected(status, wanted);
  if (!location.includes(isProvider(side) ? "/interaction/" : "/u/login/identifier")) {
    throw new Error(`${side.name} redirected to ${location}`);
  }
  return await steadily({ asks: [wanted], status });
}
