import { MANAGEMENT_API_AUDIENCE } from "../../src/auth/management-api.ts";
import type { Case } from "../case.ts";
import { MACHINE, USERS } from "../support/acme.ts";
import { expected } from "../support/ask.ts";
import { contest, type Side } from "../support/contest.ts";
import { steadily } from "../support/load.ts";

const PER_PAGE = 50;

export const usersPage: Case = {
  about: `pages of ${PER_PAGE} of ${USERS} users from the Management API, against the floor`,

  run: (bench) =>
    contest(bench, [
      {
        what: `pages of ${PER_PAGE} users`,
        against: { floor: { atLeast: 0.8 } },
        prepare: pages,
      },
    ]),
};

async function pages({ port, host }: Side) {
  const form = {
    grant_type: "client_credentials",
    client_id: MACHINE.clientId,
    client_secret: MACHINE.clientSecret,
    audience: MANAGEMENT_API_AUDIENCE,
  };
  const { access_token: token } = JSON.parse((await expected(200, { port, host, path: "/oauth/token", form })).text);
  const wanted = { port, host, path: `/api/v2/users?per_page=${PER_PAGE}`, token };
  const users = JSON.parse((await expected(200, wanted)).text);
  if (users.length !== PER_PAGE) throw new Error(`a page has ${users.length} users`);
  return await steadily({ asks: [wanted], status: 200 });
}
