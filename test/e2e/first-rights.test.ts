import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MANAGEMENT_API_AUDIENCE } from "../../src/auth/management-api.ts";
import { openFile } from "../../src/db/native.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";
import { minting } from "../support/minting.ts";

const RIGHTS = { defaultRoles: ["Support"], defaultPermissions: ["read:invoices"] };
const ORGANIZATIONS = 1_000;

let house: HouseInProcess;
let token: string;

interface Named {
  readonly id: string;
  readonly name: string;
}

beforeAll(async () => {
  const first = await openInProcess();
  const operator = await first.machineToken();
  await first.made("/roles", { token: operator, json: { name: "Support" } });
  await first.close({ keep: true });
  house = await openInProcess({ DATA_DIR: first.directory, DEV_MAILBOX: "1" }, RIGHTS);
  token = await house.machineToken();
});
afterAll(() => house?.close());

const organizationOf = async (tenantId: string) => {
  const found = await house.made<Named[]>(`/organizations?q=name:${tenantId}`, { token });
  return found.find(({ name }) => name === tenantId)?.id;
};
const roles = () => house.made<Named[]>("/roles", { token });

describe("defaultRoles and defaultPermissions", () => {
  it("are what a person has in a tenant just made, and what those invited will have", async () => {
    const person = {
      connection: "Username-Password-Authentication",
      email: "ann@example.com",
      password: "Corr3ct-h0rse!",
    };
    const { user_id: sub } = await house.made<{ user_id: string }>("/users", { token, json: person });
    const mint = await minting(house.directory, "control_plane");
    const permissions = ["create:tenants", "admin:organizations"];
    const ann = await mint("control_plane", { sub, aud: MANAGEMENT_API_AUDIENCE, iss: house.issuer, permissions });

    const admin = { email: "ben@acme.example" };
    await house.made("/tenants", { token: ann, json: { id: "acme", friendly_name: "Acme", admin } });

    const at = `/organizations/${await organizationOf("acme")}`;
    const members = await house.made<{ roles: Named[] }[]>(`${at}/members`, { token });
    expect(members.map((member) => member.roles.map(({ name }) => name).sort())).toEqual([
      ["Support", "Team Administrator"],
    ]);
    const [invitation] = await house.made<{ roles: string[] }[]>(`${at}/invitations`, { token });
    const names = (await roles()).filter(({ id }) => invitation?.roles.includes(id)).map(({ name }) => name);
    expect(names.sort()).toEqual(["Support", "Team Administrator"]);
  });

  it("are scopes of the management API, which the team's role holds", async () => {
    const team = (await roles()).find(({ name }) => name === "Team Administrator")?.id;

    const held: { permission_name: string }[] = [];
    for (let page = 0; held.length === page * 100; page += 1) {
      const path = `/roles/${team}/permissions?per_page=100&page=${page}`;
      held.push(...(await house.made<{ permission_name: string }[]>(path, { token })));
    }

    expect(held.map(({ permission_name }) => permission_name)).toContain("read:invoices");
    const apis = await house.made<{ identifier: string; scopes: { value: string }[] }[]>("/resource-servers", {
      token,
    });
    const api = apis.find(({ identifier }) => identifier === MANAGEMENT_API_AUDIENCE);
    expect(api?.scopes.map(({ value }) => value)).toContain("read:invoices");
  });
});

describe("a tenant's organization among a thousand others", () => {
  it("goes with its tenant, and no other does", async () => {
    await house.made("/tenants", { token, json: { id: "crowded", friendly_name: "Crowded" } });
    const own = await organizationOf("crowded");
    const database = await openFile(join(house.directory, "control-plane.db"));
    const run = async (sql: string) => (await database.batch([{ sql, parameters: [] }]))[0]?.rows ?? [];
    const columns = await run("select name from pragma_table_info('organizations')");
    const copied = columns
      .map(({ name }) => String(name))
      .map((name) => (["id", "name"].includes(name) ? `${name} || '-' || counted.n` : name));
    await run(
      `with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${ORGANIZATIONS})
       insert into organizations select ${copied.join(", ")} from organizations, counted where id = '${own}'`,
    );

    await house.made("/tenants/crowded?purge=true", { token, method: "DELETE" });

    const left = await run(`select id from organizations where id like '${own}%'`);
    await database.close();
    expect(left).toHaveLength(ORGANIZATIONS);
    expect(left.map(({ id }) => id)).not.toContain(own);
  });
});
