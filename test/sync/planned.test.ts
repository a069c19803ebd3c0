import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

interface Named {
  readonly id: string;
  readonly name: string;
}

interface Found {
  readonly kind: string;
  readonly tenant_id: string;
  readonly subject: string;
  readonly detail: string | null;
}

interface Operation {
  readonly id: string;
  readonly status: string;
  readonly target: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: { readonly items: readonly Found[] };
}

let house: HouseInProcess;
let token: string;
let editor: Named;
let mine: Named;

beforeAll(async () => {
  house = await openInProcess();
  token = await house.machineToken();
  for (const id of ["acme", "beta"]) await house.made("/tenants", { token, json: { id, friendly_name: id } });
  editor = await house.made<Named>("/roles", { token, json: { name: "Editor", description: "Writes" } });
  mine = await house.made<Named>("/roles", { token, at: "beta", json: { name: "Cook" } });
});
afterAll(() => house?.close());

async function planned(json: object): Promise<Operation> {
  const { id } = await house.made<Operation>("/operations", { token, json: { kind: "sync-plan", ...json } });
  const read = () => house.made<Operation>(`/operations/${id}`, { token });
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).not.toBe("running");
  return await read();
}

const found = ({ findings }: Operation) =>
  findings.items.map(({ kind, tenant_id, subject, detail }) => `${tenant_id}: ${kind} ${subject} (${detail})`).sort();

const rolesOf = (at?: string) =>
  house.made<Named[]>("/roles", { token, ...(at !== undefined && { at }) }).then((all) => all.map(({ name }) => name));

describe("a plan", () => {
  it("says of a change that is not made what it would do in each tenant, and makes nothing of it", async () => {
    const change = { entity: "roles", set: { name: "Cook" } };

    const made = await planned({ change });
    const renamed = await planned({ change: { entity: "roles", id: editor.id, set: { name: "Author" } } });
    const removed = await planned({ change: { entity: "roles", id: editor.id, delete: true } });

    expect(found(made)).toEqual([
      "acme: sync_create role Cook (null)",
      `beta: sync_collision role Cook (there ${mine.id})`,
    ]);
    expect(made).toMatchObject({ status: "done", counts: { done: 2, failed: 0, left: 0 } });
    expect(JSON.parse(made.target)).toEqual(change);
    expect(found(renamed)).toEqual(["acme", "beta"].map((id) => `${id}: sync_update role Author (name)`));
    expect(found(removed)).toEqual(["acme", "beta"].map((id) => `${id}: sync_remove role Editor (null)`));
    expect((await rolesOf()).includes("Cook")).toBe(false);
    for (const id of ["acme", "beta"]) expect(await rolesOf(id)).toContain("Editor");
  });

  it("says without a change what a sync would do now; of one tenant, if only that is asked for", async () => {
    expect(found(await planned({}))).toEqual(["acme", "beta"].map((id) => `${id}: sync_nothing tenant ${id} (null)`));
    expect(found(await planned({ tenants: ["beta"] }))).toEqual(["beta: sync_nothing tenant beta (null)"]);
  });

  it("is what then happens", async () => {
    const set = { description: "Writes more", metadata: { team: "desk" } };
    const plan = await planned({ change: { entity: "roles", id: editor.id, set } });

    await house.made(`/roles/${editor.id}`, { token, method: "PATCH", json: set });

    expect(found(plan)).toEqual(["acme", "beta"].map((id) => `${id}: sync_update role Editor (description, metadata)`));
    const [role] = (
      await house.made<(Named & { description?: string; metadata?: object })[]>("/roles", { token, at: "acme" })
    ).filter(({ id }) => id === editor.id);
    expect(role).toMatchObject(set);
  });
});

describe("a change that cannot be planned is refused, and says why:", () => {
  const refused = async (json: object) => {
    const answer = await house.api("/operations", { token, json: { kind: "sync-plan", ...json } });
    return `${answer.status} ${await answer.text()}`;
  };

  it.each([
    [
      "there is nothing of that id",
      { entity: "roles", id: "nobody", set: { name: "X" } },
      /^400 .*change\.id: .*nobody/,
    ],
    ["it says neither what to set nor to delete", { entity: "roles", id: "x" }, /^400 .*give either set or delete/],
    ["a new one has no name", { entity: "roles", set: { description: "x" } }, /^400 .*without id it is to be made/],
    ["the name is taken", { entity: "roles", set: { name: "Editor" } }, /^409 .*unique_violation/],
    [
      "it has a secret, which a plan would keep",
      { entity: "connections", set: { name: "g", strategy: "github", options: { client_secret: "planted" } } },
      /^400 .*client_secret/,
    ],
    ["it is about something else", { entity: "clients", set: { name: "x" } }, /^400 .*entity/],
  ])("%s", async (_why, change, answer) => {
    const told = await refused({ change });
    expect(told).toMatch(answer);
    expect(told).not.toContain("planted");
  });

  it("it is not for a plan", async () => {
    expect(await refused({ kind: "sync", change: { entity: "roles", set: { name: "x" } } })).toMatch(
      /^400 .*sync-plan only/,
    );
  });

  it("and how to ask stands in the OpenAPI document", async () => {
    const spec = JSON.stringify(await (await house.api("/spec")).json());
    expect(spec).toContain("resource_server_identifier");
    expect(spec).toContain("sync-plan");
  });
});
