import type { Case } from "../case.ts";
import { expected } from "../support/ask.ts";
import { contest, type Side } from "../support/contest.ts";
import { steadily } from "../support/load.ts";

export const documents: Case = {
  about: "the discovery document and the key set, against oidc-provider and the floor",

  run: (bench) =>
    contest(bench, [
      {
        what: "discovery documents",
        against: { "oidc-provider": { atLeast: 1 }, floor: null },
        prepare: (side) => documentAt(side, "/.well-known/openid-configuration", "jwks_uri"),
      },
      {
        what: "key sets",
        against: { "oidc-provider": { atLeast: 1 }, floor: null },
        prepare: (side) => documentAt(side, side.name === "oidc-provider" ? "/jwks" : "/.well-known/jwks.json", "keys"),
      },
    ]),
};

async function documentAt({ port, host }: Side, path: string, member: string) {
  const wanted = { port, host, path };
  const { text } = await expected(200, wanted);
  if (!Object.hasOwn(JSON.parse(text), member)) throw new Error(`${path} has no ${member}: ${text}`);
  return await steadily({ asks: [wanted], status: 200 });
}
