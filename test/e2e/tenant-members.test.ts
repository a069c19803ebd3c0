import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeptMail } from "../../src/auth/mail/mailbox.ts";
import { isOperatorsScope, MANAGEMENT_API_AUDIENCE, managementScopes } from "../../src/auth/management-api.ts";
import { openFile } from "../../src/db/native.ts";
import { type ApiInit, type HouseInProcess, openInProcess } from "../support/in-process.ts";
import { type Mint, minting } from "../support/minting.ts";
import { freePort } from "../support/program.ts";

const CONTROL_PLANE = "control_plane";
/** All that a team can have; what is the operators' it cannot. */
const SCOPES = [...managementScopes().map(({ value }) => value), "tenant:admin"].filter(
  (each) => !isOperatorsScope(each),
);

interface Role {
  readonly id: string;
  readonly name: string;
}
interface Member {
  readonly user_id: string;
  readonly roles: readonly Role[];
}

/** A house of two tenants with a team of one each, who is no operator. */
async function openTeams(variables: Readonly<Record<string, string>>) {
  const house = await openInProcess(variables);
  const operator = await house.machineToken();
  const rights = (scopes: readonly string[]) => ({
    ...{ aud: MANAGEMENT_API_AUDIENCE, iss: house.issuer, permissions: scopes, scope: scopes.join(" ") },
  });
  for (const id of ["acme", "beta"]) await house.made("/tenants", { token: operator, json: { id, friendly_name: id } });
  const mint = await minting(house.directory, CONTROL_PLANE);
  const organizations = await house.made<Role[]>("/organizations", { token: operator });
  const organizationOf = (name: string) => organizations.find((each) => each.name === name)?.id ?? "";

  const person = async (name: string) => {
    const json = {
      connection: "Username-Password-Authentication",
      email: `${name}@example.com`,
      password: "Corr3ct-h0rse!",
    };
    return (await house.made<{ user_id: string }>("/users", { token: operator, json })).user_id;
  };
  const join = (tenantId: string, userId: string) =>
    house.made(`/organizations/${organizationOf(tenantId)}/members`, { token: operator, json: { members: [userId] } });
  const tokenOf = (userId: string, tenantId: string, scopes: readonly string[] = SCOPES) =>
    mint(CONTROL_PLANE, { ...rights(scopes), sub: userId, org_id: organizationOf(tenantId), org_name: tenantId });

  const [ann, bob] = [await person("ann"), await person("bob")];
  await join("acme", ann);
  await join("beta", bob);
  return {
    ...{ house, operator, mint, rights, person, tokenOf, ann, bob },
    ...{ acme: await tokenOf(ann, "acme"), beta: await tokenOf(bob, "beta") },
  };
}

const refusal = async (answer: Response) => {
  const { errorCode, message } = (await answer.json()) as { errorCode?: string; message: string };
  return [answer.status, errorCode ?? message];
};

let house: HouseInProcess;
let teams: Awaited<ReturnType<typeof openTeams>>;
let mint: Mint;

beforeAll(async () => {
  teams = await openTeams({ DEV_MAILBOX: "1", CONSOLE_CALLBACKS: "http://console.localhost/callback" });
  ({ house, mint } = teams);
});
afterAll(() => house?.close());

const at = (path = "", init: ApiInit = {}) => house.api(`/tenant-members${path}`, init);
const membersOf = async (token: string) =>
  (await house.made<{ members: Member[] }>("/tenant-members", { token })).members;
/** Of an operator who belongs to the team, too. */
const operatorInTeam = () => teams.tokenOf(teams.ann, "acme", [...SCOPES, "admin:organizations"]);
const invitationsOf = (token: string) =>
  house.made<{ id: string; invitation_url: string }[]>("/tenant-members/invitations", { token });
const roleNamed = async (name: string) => {
  const roles = await house.made<Role[]>("/roles", { token: teams.operator });
  return roles.find((role) => role.name === name)?.id ?? "";
};
const makeRole = async (name: string, api: string, ...scopes: string[]) => {
  const { id } = await house.made<Role>("/roles", { token: teams.operator, json: { name } });
  const permissions = scopes.map((permission_name) => ({ permission_name, resource_server_identifier: api }));
  await house.made(`/roles/${id}/permissions`, { token: teams.operator, json: { permissions } });
  return id;
};

describe("a tenant's team", () => {
  it("is seen and reduced by its own members, on any host that is theirs, and extended by operators among them", async () => {
    const eve = await teams.person("eve");
    const admin = await roleNamed("Team Administrator");

    expect((await at("", { token: await operatorInTeam(), json: { user_ids: [eve] } })).status).toBe(204);
    const roles = { token: teams.acme, at: "acme", json: { roles: [admin] } };
    expect((await at(`/${encodeURIComponent(eve)}/roles`, roles)).status).toBe(204);

    const members = await membersOf(teams.acme);
    expect(members.map(({ user_id }) => user_id).sort()).toEqual([teams.ann, eve].sort());
    expect(members.find(({ user_id }) => user_id === eve)?.roles.map(({ name }) => name)).toEqual([
      "Team Administrator",
    ]);

    const eves = await teams.tokenOf(eve, "acme");
    expect((await at("", { token: eves })).status).toBe(200);
    await at("", { token: teams.acme, method: "DELETE", json: { user_ids: [eve] } });
    // At once, whatever her token says.
    expect(await refusal(await at("", { token: eves }))).toEqual([403, "tenant_forbidden"]);
  });

  it("is nobody else's: not another team's, not a tenant's own token's with the right words in it, not an operator's", async () => {
    const iss = house.issuer.replace("//", "//acme.");
    const own = { ...teams.rights(SCOPES), iss, sub: "acme|hook", org_name: "acme" };
    const forged = await mint("acme", own);
    const forgedForBeta = await mint("acme", { ...own, org_name: "beta" });

    expect(await refusal(await at("", { token: teams.beta, headers: { "tenant-id": "acme" } }))).toEqual([
      ...[403, "tenant_forbidden"],
    ]);
    expect(await refusal(await at("", { token: forged, at: "acme" }))).toEqual([403, "tenant_forbidden"]);
    expect(await refusal(await at("", { token: forgedForBeta, at: "acme" }))).toEqual([403, "tenant_forbidden"]);
    const operators = { token: teams.operator, headers: { "tenant-id": "acme" } };
    expect(await refusal(await at("", operators))).toEqual([403, "tenant_forbidden"]);
  });

  it("takes nobody in who is not there", async () => {
    const answer = await at("", { token: await operatorInTeam(), json: { user_ids: [teams.ann, "auth0|nobody"] } });

    expect(await refusal(answer)).toEqual([400, "unknown_user"]);
    expect((await membersOf(teams.acme)).map(({ user_id }) => user_id)).toEqual([teams.ann]);
  });

  it("finds out nothing about people who are not in it, nor takes them in without being asked", async () => {
    const people = [teams.bob, "auth0|nobody", teams.ann];

    for (const id of people) {
      const answer = await at("", { token: teams.acme, json: { user_ids: [id] } });
      expect(await refusal(answer)).toEqual([403, "invitation_required"]);
    }
    const roles = people.slice(0, 2).map(async (id) => {
      const answer = await at(`/${encodeURIComponent(id)}/roles`, { token: teams.acme });
      return [answer.status, await answer.text()];
    });
    const [bobs, nobodys] = await Promise.all(roles);

    expect(bobs).toEqual(nobodys);
    expect((await membersOf(teams.acme)).map(({ user_id }) => user_id)).toEqual([teams.ann]);
  });

  it("leaves another team's members, roles and invitations alone", async () => {
    const admin = await roleNamed("Team Administrator");
    const json = { invitee: { email: "carl@beta.example" } };
    const { id } = await house.made<{ id: string }>("/tenant-members/invitations", { token: teams.beta, json });

    const gone = { token: teams.acme, method: "DELETE" };
    expect((await at(`/invitations/${id}`, gone)).status).toBe(404);
    await at("", { ...gone, json: { user_ids: [teams.bob] } });
    const given = await at(`/${encodeURIComponent(teams.bob)}/roles`, { token: teams.acme, json: { roles: [admin] } });

    expect(await refusal(given)).toEqual([404, "member_not_found"]);
    expect((await invitationsOf(teams.beta)).map((each) => each.id)).toEqual([id]);
    expect(await membersOf(teams.beta)).toMatchObject([{ user_id: teams.bob, roles: [] }]);
    expect(await invitationsOf(teams.acme)).toEqual([]);
  });

  it("has its changes in the audit log", async () => {
    await at("", { token: await operatorInTeam(), json: { user_ids: [teams.ann] } });

    const database = await openFile(join(house.directory, "control-plane.db"));
    const sql = "select * from rh_audit_log where action = 'POST /api/v2/tenant-members'";
    const [result] = await database.batch([{ sql, parameters: [] }]);
    await database.close();
    expect(result?.rows).toContainEqual(
      expect.objectContaining({ actor: teams.ann, actor_kind: "organization", tenant_id: "acme", outcome: "allowed" }),
    );
  });
});

describe("the roles a team may give", () => {
  const give = (roles: string[], token = teams.acme) =>
    at(`/${encodeURIComponent(teams.ann)}/roles`, { token, json: { roles } });
  const invite = (roles: string[], token = teams.acme) =>
    at("/invitations", { token, json: { invitee: { email: "dora@acme.example" }, roles } });

  it("hold nothing of the operators', neither as a role nor by an invitation", async () => {
    const operators = [
      await roleNamed("Tenant Admin"),
      await makeRole("Founder", MANAGEMENT_API_AUDIENCE, "create:tenants"),
      await makeRole("Everywhere", MANAGEMENT_API_AUDIENCE, "read:users", "admin:organizations"),
      await makeRole("Biller", "https://billing.example/", "write:bills"),
    ];

    for (const role of operators) {
      expect(await refusal(await give([role]))).toEqual([403, "role_forbidden"]);
      expect(await refusal(await invite([role]))).toEqual([403, "role_forbidden"]);
    }
    expect((await membersOf(teams.acme))[0]?.roles).toEqual([]);
    expect(await invitationsOf(teams.acme)).toEqual([]);
    const listed = await house.made<Role[]>("/tenant-members/roles", { token: teams.acme });
    expect(listed.map(({ name }) => name)).toEqual(["Team Administrator"]);
  });

  it("hold no more than their giver has", async () => {
    const reader = await makeRole("Reader", MANAGEMENT_API_AUDIENCE, "read:users");
    const scopes = [
      "read:users",
      "read:roles",
      "read:organizations",
      "update:organizations",
      "create:organization_member_roles",
    ];
    const clerk = await teams.tokenOf(teams.ann, "acme", scopes);

    expect(await refusal(await give([await roleNamed("Team Administrator")], clerk))).toEqual([403, "role_forbidden"]);
    expect((await give([reader], clerk)).status).toBe(204);
    const listed = await house.made<Role[]>("/tenant-members/roles", { token: clerk });
    expect(listed.map(({ name }) => name)).toEqual(["Reader"]);
  });

  it("are there", async () => {
    const bodiless = await at("/nothing/roles", { token: teams.acme, method: "DELETE" });
    expect(await refusal(bodiless)).toEqual([400, "invalid_body"]);
    expect(await refusal(await give(["nothing"]))).toEqual([400, "unknown_role"]);
    expect(await refusal(await give(Array.from({ length: 51 }, () => "r")))).toEqual([400, "too_many_ids"]);
  });
});

describe("an invitation", () => {
  it("is mailed, with the link that accepts it", async () => {
    const json = { invitee: { email: "fay@acme.example" }, inviter: { name: "Ann <b>" }, ttl_sec: 86_400 };
    const made = await house.made<{ id: string; invitation_url: string }>("/tenant-members/invitations", {
      ...{ token: teams.acme, json },
    });

    const kept = await house.send(house.hostOf(undefined), "/dev/mailbox", { headers: { accept: "application/json" } });
    const mail = ((await kept.json()) as { mails: KeptMail[] }).mails.find(({ to }) => to === "fay@acme.example");
    expect(mail?.subject).toBe("You are invited to administer acme");
    expect(mail?.text).toContain(made.invitation_url);
    expect(mail?.text).toContain("works for 1 day.");
    expect(mail?.html).not.toContain("<b>");
    expect((await at(`/invitations/${made.id}`, { token: teams.acme, method: "DELETE" })).status).toBe(204);
  });

  it("is one of a hundred at most", async () => {
    const json = (count: number) => ({
      invitee: { email: `guest${count}@acme.example` },
      send_invitation_email: false,
    });
    for (let count = (await invitationsOf(teams.acme)).length; count < 100; count++) {
      await house.made("/tenant-members/invitations", { token: teams.acme, json: json(count) });
    }

    const answer = await at("/invitations", { token: teams.acme, json: json(100) });

    expect(await refusal(answer)).toEqual([409, "too_many_invitations"]);
  });

  it.each([
    ["nobody sends mail", () => Promise.resolve({}), [400, "mail_not_configured"]],
    ["the mail server is not there", deadMailServer, [503, "mail_failed"]],
  ] as const)("is not made where %s, and whoever invites is told", async (_where, settings, expected) => {
    const silent = await openTeams(await settings());
    const json = { invitee: { email: "gus@acme.example" } };

    const answer = await silent.house.api("/tenant-members/invitations", { token: silent.acme, json });

    expect(await refusal(answer)).toEqual(expected);
    expect(await silent.house.made("/tenant-members/invitations", { token: silent.acme })).toEqual([]);
    const unsent = { ...json, send_invitation_email: false };
    await silent.house.made("/tenant-members/invitations", { token: silent.acme, json: unsent });
    await silent.house.close();
  });
});

async function deadMailServer() {
  return { SMTP_URL: `smtp://127.0.0.1:${await freePort()}` };
}
