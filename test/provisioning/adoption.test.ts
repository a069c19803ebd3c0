import { describe, expect, it } from "vitest";
import { adoptionStanding } from "../../provisioning/adoption.ts";
import { ask, notesOf, type Street, stepsOf, streets } from "./street.ts";

const { street, restart } = streets();

const begin = (made: Street, tenantId = "acme") =>
  made.lifecycle.create({
    ...{ tenantId, provider: made.provider.name, initiator: "test", adopting: true },
    claimStatements: [{ sql: "insert into tenants (id) values (?)", parameters: [tenantId] }],
  });
const standing = ({ database }: Street, tenantId = "acme") => adoptionStanding(database, tenantId);

describe("adopting a tenant", () => {
  it("copies before everything that is only made where it is missing, and then it is served", async () => {
    const seen: string[] = [];
    const made = await street({
      steps: { adopt: async ({ database }) => void seen.push(...(await notesOf(database)), "copied") },
    });

    await (await begin(made)).ended;

    expect(seen).toEqual(["copied"]);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(await stepsOf(made, "acme")).toEqual(
      expect.arrayContaining(["write-identity done", "adopt done", "signing-key done", "activate done"]),
    );
    expect(await standing(made)).toBe("adopted");
  });

  it("where nobody knows from where ends before that, and is not served, until somebody does", async () => {
    const server = await street({ attemptsMax: 1 });
    await expect((await begin(server)).ended).rejects.toMatchObject({ reason: "adoption_unfinished" });

    expect(await server.registry.read("acme")).toMatchObject({ state: "failed" });
    expect(await standing(server)).toBe("unfinished");
    await expect(server.pool.use("acme", notesOf)).rejects.toMatchObject({ code: "unavailable" });

    const command = await restart(server, { steps: { adopt: () => Promise.resolve() } });
    expect(await command.resume("acme")).toMatchObject({ state: "ready" });
    expect(await standing(command)).toBe("adopted");
  });

  it("stays an adoption when its operation got lost and another one is begun", async () => {
    const made = await street({ attemptsMax: 1 });
    await expect((await begin(made)).ended).rejects.toMatchObject({ reason: "adoption_unfinished" });
    await ask(made.database, "update rh_operations set state = 'abandoned' where tenant_id = 'acme'");

    const anew = await made.lifecycle.restart("acme", { initiator: "test" });

    await expect(anew?.ended).rejects.toMatchObject({ reason: "adoption_unfinished" });
    expect(await made.registry.read("acme")).toMatchObject({ state: "failed" });
  });

  it("is not possible under an id that somebody has, or had", async () => {
    const made = await street({ steps: { adopt: () => Promise.resolve() } });
    await made.create("globex");
    await (await begin(made)).ended;
    await made.remove("acme");

    expect(await standing(made, "globex")).toBe("taken");
    expect(await standing(made, "acme")).toBe("taken");
    expect(await standing(made, "initech")).toBe("free");
    await expect(begin(made, "globex")).rejects.toMatchObject({ reason: "tenant_exists" });
  });
});
