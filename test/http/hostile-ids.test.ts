import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

/** What a tenant id is used for: paths, hosts, statements, file names, HTML, logs. Each of these is none. */
const HOSTILE: readonly string[] = [
  ...["../x", "..", "../../etc/passwd", "..\\x", "/etc", "x/y", "x\\y", "x%2fy", "%2e%2e", "a b", "a+b"],
  ...["a OR b", "a' or '1'='1", 'a" or 1=1', "a;drop table tenants", "a--b", "a-- ", "a*", "a%", "a_b", "(a)", "a,b"],
  ...[
    "id:acme",
    "acme AND x",
    "acme\nx",
    "acme\r\nx",
    "acme\t",
    "acme\u0000",
    "\u0000",
    " acme",
    "acme ",
    "a\u200bcme",
  ],
  ...[
    "аcme",
    "acmе",
    "ａｃｍｅ",
    "acmé",
    "ACME",
    "Acme",
    "aCme",
    "ⓐcme",
    "acme\u0301",
    "acme\u202e",
    "ſtaff",
    "xn--acme-x",
  ],
  ...["a", "ab", "1acme", "-acme", "acme-", "a.b", "acme.", ".acme", "a@b", "a:b", "a#b", "a?b", "a&b=c", "<b>x</b>"],
  ...[
    "a".repeat(64),
    "a".repeat(255),
    "www",
    "api",
    "admin",
    "login",
    "settings",
    "operations",
    "tenants",
    "localhost",
  ],
  ...["control_plane", "__proto__", "{id}", "$(id)", "`id`", "null\u0000"],
];

let house: HouseInProcess;
let token: string;

beforeAll(async () => {
  house = await openInProcess();
  token = await house.machineToken();
  await house.made("/tenants", { token, json: { id: "acme", friendly_name: "Acme" } });
});
afterAll(() => house?.close());

/** Everything a tenant leaves: rows of the control plane by table, and its files. */
async function traces() {
  const tables = ["rh_placements", "rh_operations", "rh_retired_tags", "tenants", "organizations", "signing_keys"];
  const database = await openFile(join(house.directory, "control-plane.db"));
  const counts = await database.batch(
    tables.map((table) => ({ sql: `select count(*) as rows from ${table}`, parameters: [] })),
  );
  await database.close();
  const files = readdirSync(join(house.directory, "tenants")).filter((name) => name.endsWith(".db"));
  return { rows: Object.fromEntries(tables.map((table, i) => [table, counts[i]?.rows[0]?.rows])), files };
}

const answerOf = async (request: Promise<Response>) => {
  const answer = await request;
  return [answer.status, ((await answer.json()) as { errorCode?: string }).errorCode];
};

// The reserve of signing keys is filled behind the requests, in a table of its own.
describe("ids that are none", () => {
  it("are refused in the body, by the field's name, and leave nothing behind", async () => {
    const before = await traces();

    for (const id of [...HOSTILE, "", 42, null, ["acme"], { id: "acme" }, true]) {
      const answer = await house.api("/tenants", { token, json: { id, friendly_name: "Hostile" } });
      const { message } = (await answer.json()) as { message: string };
      expect([id, answer.status, message]).toEqual([id, 400, expect.stringMatching(/^id: /)]);
    }

    expect(await traces()).toEqual(before);
  });

  it("are refused in the path of every route about a tenant", async () => {
    const before = await traces();
    // The address itself ends at these: no route sees them. The control plane's id is one that is there.
    const told = HOSTILE.filter((id) => !["..", "%2e%2e", "control_plane", "settings"].includes(id));

    for (const id of told) {
      const path = `/tenants/${encodeURIComponent(id)}`;
      for (const [method, below] of [
        ["GET", ""],
        ["DELETE", "?purge=true"],
        ["POST", "/suspend"],
        ["POST", "/undelete"],
        ["GET", "/database"],
        ["GET", "/operations"],
      ] as const) {
        const answer = await answerOf(house.api(path + below, { method, token }));
        expect([id, method, ...answer]).toEqual([id, method, 400, "invalid_tenant_id"]);
      }
    }

    expect(await traces()).toEqual(before);
  });

  it("are refused in the header, before anything is looked up", async () => {
    // What a header cannot hold is no header, and spaces around a value are not part of it.
    const told = HOSTILE.filter((id) => /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(id) && id !== "control_plane");
    expect(told.length).toBeGreaterThan(40);

    for (const id of told) {
      for (const name of ["tenant-id", "x-tenant-id"]) {
        const answer = await answerOf(house.api("/users", { token, headers: { [name]: id } }));
        expect([id, name, ...answer]).toEqual([id, name, 400, "tenant_conflict"]);
      }
    }
  });

  it("are refused as a host: no such name is ours", async () => {
    const told = HOSTILE.filter((id) => /^[\x21-\x7e]+$/.test(id) && !["ACME", "Acme", "aCme"].includes(id));

    for (const id of told) {
      const { status } = await house.send(`${id}.localhost`, "/.well-known/openid-configuration");
      expect([id, status]).toEqual([id, expect.toSatisfy((code: number) => code === 404 || code === 421)]);
    }
  });

  it("are refused among the tenants of an operation on many", async () => {
    const before = await traces();

    for (const id of HOSTILE.filter((hostile) => hostile !== "control_plane")) {
      for (const field of ["tenants", "canary"]) {
        const answer = await house.api("/operations", { token, json: { kind: "migrate", [field]: [id] } });
        const { message } = (await answer.json()) as { message: string };
        expect([id, answer.status, message]).toEqual([id, 400, expect.stringMatching(new RegExp(`^${field}`))]);
      }
    }

    expect(await traces()).toEqual(before);
  });
});
