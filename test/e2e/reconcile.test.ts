import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, furnish, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  for (const id of ["acme", "beta"]) {
    await createTenant(server, token, id);
    await furnish(server, token, id);
  }
});
afterAll(() => server?.remove());

type Body = Record<string, unknown>;

const ask = async (method: string, path: string, body?: object) => {
  const answer = await api(server, token, path, { method, ...(body && { body: JSON.stringify(body) }) });
  return { status: answer.status, body: (await answer.json()) as Body };
};

/** Begins reconciling, and answers the operation when it is over. */
async function reconcile(asked: object = {}, query = "") {
  const begun = await ask("POST", "/operations", { kind: "reconcile", ...asked });
  expect(begun.status).toBe(202);
  for (;;) {
    const { body } = await ask("GET", `/operations/${begun.body.id}${query}`);
    if (body.status !== "running") return body as Body & { findings: Findings };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Findings {
  readonly counts: Record<string, number>;
  readonly items: readonly { kind: string; tenant_id: string | null; subject: string; outcome: string }[];
  readonly next?: string;
}

const linesOf = ({ items }: Findings) =>
  items.map(({ kind, tenant_id, subject, outcome }) => `${kind} ${tenant_id ?? "-"} ${subject} ${outcome}`);

async function inControlPlane(sql: string) {
  const database = await openFile(join(server.directory, "control-plane.db"));
  const [result] = await database.batch([{ sql, parameters: [] }]);
  await database.close();
  return result?.rows ?? [];
}

describe("reconciling a whole service", () => {
  it("finds nothing in a house that is in order, deleted tenants and applications included", async () => {
    await createTenant(server, token, "gone");
    await ask("POST", "/tenants/gone/suspend");
    await api(server, token, "/tenants/gone", { method: "DELETE" });

    const over = await reconcile({ dry_run: true });

    expect(over).toMatchObject({ kind: "reconcile-report", status: "done", counts: { done: 3, failed: 0 } });
    expect(over.findings).toEqual({ counts: { found: 0, repaired: 0, left: 0, gone: 0, failed: 0 }, items: [] });
  });

  it("only says what it finds in a dry run, repairs it when asked, and leaves what may be somebody's", async () => {
    const [organization] = await inControlPlane(
      "select organization_id as id from rh_placements where tenant_id = 'acme'",
    );
    await inControlPlane("delete from organizations where name = 'acme'");
    await inControlPlane("delete from rh_client_directory where tenant_id = 'beta'");
    writeFileSync(join(server.directory, "tenants", "notes.txt"), "mine");
    const lines = ["organization_missing acme acme", "client_unlisted beta default", "file_unknown - notes.txt"];

    const report = await reconcile({ dry_run: true });
    expect(linesOf(report.findings).toSorted()).toEqual(lines.map((line) => `${line} found`).toSorted());

    const repair = await reconcile();
    expect(repair).toMatchObject({ kind: "reconcile", status: "done" });
    expect(repair.findings.counts).toEqual({ found: 0, repaired: 2, left: 1, gone: 0, failed: 0 });
    expect(await inControlPlane("select id, display_name from organizations where name = 'acme'")).toEqual([
      { id: organization?.id, display_name: "Tenant acme" },
    ]);
    expect(linesOf((await reconcile({ dry_run: true })).findings)).toEqual(["file_unknown - notes.txt found"]);
    expect(linesOf((await reconcile()).findings)).toEqual(["file_unknown - notes.txt left"]);
    const history = (await ask("GET", "/tenants/acme/operations")).body as unknown as Body[];
    expect(history[0]).toMatchObject({ kind: "repair", status: "done", step: "organization_missing" });
  });

  it("shows what it found a page at a time", async () => {
    for (const name of ["a.txt", "b.txt", "c.txt"]) writeFileSync(join(server.directory, "tenants", name), "mine");

    const first = await reconcile({ dry_run: true }, "?take=3");

    expect([first.findings.items.length, first.findings.counts.found]).toEqual([3, 4]);
    const rest = await ask("GET", `/operations/${first.id}?take=3&findings_from=${first.findings.next}`);
    const { items, next } = rest.body.findings as Findings;
    expect([items.length, next]).toEqual([1, undefined]);
  });

  it("refuses to choose among tenants, by name, and whoever is no operator", async () => {
    const refused = await ask("POST", "/operations", { kind: "reconcile", tenants: ["acme"] });

    expect([refused.status, refused.body.message]).toEqual([400, "tenants: reconcile looks at every tenant"]);
    const nobody = await api(server, null, "/operations", {
      method: "POST",
      body: JSON.stringify({ kind: "reconcile" }),
    });
    expect(nobody.status).toBe(401);
  });
});
