import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

let house: HouseInProcess;
let token: string;
beforeAll(async () => {
  house = await openInProcess();
  token = await house.machineToken();
  await house.made("/tenants", { token, json: { id: "acme", friendly_name: "Acme" } });
});
afterAll(() => house?.close());

/** Runs a statement in the tenant's database behind everybody's back. */
async function inFile(sql: string): Promise<void> {
  const { name } = await house.made<{ name: string }>("/tenants/acme/database", { token });
  const database = await openFile(join(house.directory, "tenants", `${name}.db`));
  await database.batch([{ sql, parameters: [] }]);
  await database.close();
}

it("a tenant that stays behind shows nothing old and issues no token; its pages go on, and it recovers by itself", async () => {
  await inFile("create trigger broken before insert on roles begin select raise(abort, 'no'); end");

  const made = await house.api("/roles", { token, json: { name: "Editor" } });
  const roles = await house.api("/roles", { token, at: "acme" });
  const tokens = await house.ask({ grant_type: "client_credentials", client_id: "x", client_secret: "y" }, "acme");
  const page = await house.send(house.hostOf("acme"), "/authorize?client_id=nobody&response_type=code");
  const operator = await house.api("/tenants/acme", { token });

  expect(made.status).toBe(201);
  expect([roles.status, roles.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await roles.json()).toMatchObject({ errorCode: "tenant_unavailable" });
  expect([tokens.status, ((await tokens.json()) as { error: string }).error]).toEqual([503, "temporarily_unavailable"]);
  expect(page.status).toBeLessThan(500);
  expect(operator.status).toBe(200);
  await inFile("drop trigger broken");
  const names = async () => {
    const answer = await house.api("/roles", { token, at: "acme" });
    return answer.ok ? ((await answer.json()) as { name: string }[]).map(({ name }) => name) : [];
  };
  await expect.poll(names, { timeout: 30_000 }).toContain("Editor");
}, 120_000);
