import type { Case } from "../case.ts";
import { AUDIENCE, MACHINE } from "../support/acme.ts";
import { expected } from "../support/ask.ts";
import { contest, type Side } from "../support/contest.ts";
import { steadily } from "../support/load.ts";

export const clientCredentials: Case = {
  about: "RS256 tokens by client_credentials, against the floor, oidc-provider and a bare signer; memory after them",

  run: (bench) =>
    contest(
      bench,
      [
        {
          what: "client_credentials tokens",
          against: { floor: { atLeast: 0.9 }, "oidc-provider": null, signer: null },
          prepare: machineTokens,
        },
      ],
      (town) => [{ what: "memory of our server after them", unit: "MiB", ours: town.memoryMiB() }],
    ),
};

async function machineTokens({ name, port, host }: Side) {
  const form = {
    grant_type: "client_credentials",
    client_id: MACHINE.clientId,
    client_secret: MACHINE.clientSecret,
    ...(name === "oidc-provider" ? { resource: AUDIENCE, scope: "read:things" } : { audience: AUDIENCE }),
  };
  const wanted = { port, host, path: name === "oidc-provider" ? "/token" : "/oauth/token", form };
  const { access_token } = JSON.parse((await expected(200, wanted)).text);
  const [header = "", claims = ""] = String(access_token).split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  if (read(header).alg !== "RS256" || read(claims).aud !== AUDIENCE || read(claims).scope !== "read:things") {
    throw new Error(`${name} gave a token that is not as asked for: ${access_token}`);
  }
  return await steadily({ asks: [wanted], status: 200 });
}
