import { writeFileSync } from "node:fs";
import { type Case, FILES, inDatabase, LONG_AGO, MINUTE_MS, pathOf, type Scene, sql } from "./reconcile-scene.ts";
import { CLIENT } from "./reconciling.ts";

const DAY_MS = 86_400_000;

const unfinished = (tenantId: string, kind: string, at: string) =>
  `insert into rh_operations (id, tenant_id, tag, kind, state, initiator, created_at, updated_at)
   values ('op-${kind}', '${tenantId}', 'tag', '${kind}', 'running', 'test', '${at}', '${at}')`;

/** What can be wrong with a tenant, in every way that matters. */
export const TENANT_CASES = {
  operation_stalled: [
    {
      what: "a creation that has failed for good",
      async plant({ street, broken }) {
        broken.add("gamma");
        await street.create("gamma").catch(() => {});
        broken.delete("gamma");
        const operation = await street.journal.findUnfinished("gamma");
        return [`operation_stalled gamma ${operation?.id}`];
      },
    },
    {
      what: "a creation whose process has gone, long ago",
      async plant(scene) {
        scene.broken.add("gamma");
        await scene.street.create("gamma").catch(() => {});
        scene.broken.delete("gamma");
        await sql(
          scene,
          "update rh_operations set state = 'running', updated_at = ? where tenant_id = 'gamma'",
          LONG_AGO,
        );
        await sql(scene, "update rh_placements set state = 'provisioning' where tenant_id = 'gamma'");
        return [`operation_stalled gamma ${(await scene.street.journal.findUnfinished("gamma"))?.id}`];
      },
    },
    {
      what: "a creation that fails again",
      async plant({ street, broken }) {
        broken.add("gamma");
        await street.create("gamma").catch(() => {});
        return [`operation_stalled gamma ${(await street.journal.findUnfinished("gamma"))?.id}`];
      },
      left: () => ["operation_stalled gamma"],
    },
  ],
  operation_obsolete: [
    {
      what: "a creation of a tenant that is ready",
      async plant(scene) {
        await sql(scene, unfinished("acme", "provision", LONG_AGO));
        return ["operation_obsolete acme op-provision"];
      },
    },
    {
      what: "a purge of a tenant that is not there",
      async plant(scene) {
        await sql(scene, unfinished("nobody", "purge", LONG_AGO));
        return ["operation_obsolete nobody op-purge"];
      },
    },
  ],
  operation_missing: [
    ...(["pending", "provisioning", "failed"] as const).map((state) => ({
      what: `a tenant that is ${state}`,
      async plant(scene: Scene) {
        await sql(scene, "update rh_placements set state = ? where tenant_id = 'acme'", state);
        return ["operation_missing acme acme"];
      },
    })),
    {
      what: "a tenant that is being brought back",
      async plant(scene) {
        await scene.street.remove("acme");
        await sql(
          scene,
          "update rh_placements set state = 'provisioning', restore_state = 'suspended', purge_at = null where tenant_id = 'acme'",
        );
        return ["operation_missing acme acme"];
      },
    },
    {
      what: "a tenant that is being deleted",
      async plant(scene) {
        await scene.street.pool.evict("acme");
        await sql(
          scene,
          "update rh_placements set state = 'deleting', restore_state = 'ready' where tenant_id = 'acme'",
        );
        return ["operation_missing acme acme"];
      },
    },
    {
      what: "a tenant that was never ready and is being deleted",
      async plant(scene) {
        await scene.street.pool.evict("acme");
        await sql(scene, "update rh_placements set state = 'deleting' where tenant_id = 'acme'");
        return ["operation_missing acme acme"];
      },
    },
  ],
  purge_unscheduled: [
    {
      what: "a deleted tenant without a date",
      async plant(scene) {
        await scene.street.remove("acme");
        await sql(scene, "update rh_placements set purge_at = null where tenant_id = 'acme'");
        return ["purge_unscheduled acme acme"];
      },
    },
  ],
  purge_overdue: [
    {
      what: "a deleted tenant that nobody purges",
      async plant({ street }) {
        await street.remove("acme");
        street.time.ms += 8 * DAY_MS;
        return ["purge_overdue acme acme"];
      },
    },
  ],
  tag_unclaimed: [
    {
      what: "a tag that is not noted",
      async plant(scene) {
        await sql(scene, "delete from rh_retired_tags where tenant_id = 'acme'");
        return [`tag_unclaimed acme ${scene.acme.tag}`];
      },
    },
    {
      what: "a tag that is noted as retired",
      async plant(scene) {
        await sql(scene, "update rh_retired_tags set retired_at = ? where tenant_id = 'acme'", LONG_AGO);
        return [`tag_unclaimed acme ${scene.acme.tag}`];
      },
    },
    {
      what: "a tag that is noted as another's",
      async plant(scene) {
        await sql(scene, "update rh_retired_tags set tenant_id = 'delta' where tenant_id = 'acme'");
        return [`tag_unclaimed acme ${scene.acme.tag}`];
      },
      left: ({ acme }) => [`tag_unclaimed acme ${acme.tag}`],
    },
  ],
  tenant_row_missing: [
    {
      what: "a tenant without its row",
      async plant(scene) {
        await sql(scene, "delete from tenants where id = 'acme'");
        return ["tenant_row_missing acme acme"];
      },
    },
  ],
  provider_unknown: [
    {
      what: "a tenant at a place that is not configured",
      async plant(scene) {
        await sql(scene, "update rh_placements set provider = 'elsewhere' where tenant_id = 'acme'");
        const { database } = scene.acme;
        const seen = scene.kind === "libsql-server" ? [] : [`database_elsewhere acme ${database}`];
        return [`provider_unknown acme ${database}`, ...seen];
      },
    },
  ],
  database_missing: [
    {
      what: "the database of a tenant that is served",
      async plant({ street, acme }) {
        await street.pool.evict("acme");
        await street.provider.destroy(acme.database);
        return [`database_missing acme ${acme.database}`];
      },
    },
    {
      what: "the database of a deleted tenant",
      async plant({ street, acme }) {
        await street.remove("acme");
        await street.provider.destroy(acme.database);
        return [`database_missing acme ${acme.database}`];
      },
    },
  ],
  database_foreign: [
    {
      what: "a database that says it is another's",
      async plant(scene) {
        await inDatabase(scene, "update database_identity set tenant_id = 'stranger'");
        return [`database_foreign acme ${scene.acme.database}`];
      },
    },
  ],
  database_unreachable: [
    {
      what: "a file that is no database any more",
      on: FILES,
      async plant(scene) {
        await scene.street.pool.evict("acme");
        writeFileSync(pathOf(scene, `${scene.acme.database}.db`), "x".repeat(8192));
        return [`database_unreachable acme ${scene.acme.database}`];
      },
    },
    {
      what: "a database whose credentials nobody has",
      on: ["libsql-server", "turso"],
      async plant({ street, acme }) {
        await street.provider.rotateCredentials?.(acme.database);
        return [`database_unreachable acme ${acme.database}`];
      },
    },
  ],
  database_retained: [
    {
      what: "a tenant that is served",
      async plant({ street, acme }) {
        await street.pool.evict("acme");
        await street.provider.retain(acme.database);
        return [`database_retained acme ${acme.database}`];
      },
    },
  ],
  database_open: [
    {
      what: "a deleted tenant",
      async plant({ street, acme }) {
        await street.remove("acme");
        await street.provider.release(acme.database);
        return [`database_open acme ${acme.database}`];
      },
    },
  ],
  organization_missing: [
    {
      what: "one that is gone",
      async plant(scene) {
        await sql(scene, "delete from organizations where name = 'acme'");
        return ["organization_missing acme acme"];
      },
    },
    {
      what: "one that never was, of a deleted tenant",
      async plant(scene) {
        await scene.street.remove("acme");
        await sql(scene, "delete from organizations where name = 'acme'");
        await sql(scene, "update rh_placements set organization_id = null where tenant_id = 'acme'");
        return ["organization_missing acme acme"];
      },
    },
    {
      what: "one whose name somebody else has",
      async plant(scene) {
        await sql(scene, "update organizations set id = 'org_theirs' where name = 'acme'");
        return ["organization_missing acme acme", "organization_foreign acme org_theirs"];
      },
      left: () => ["organization_missing acme acme", "organization_foreign acme org_theirs"],
    },
  ],
  organization_misnamed: [
    {
      what: "one of another name",
      async plant(scene) {
        await sql(scene, "update organizations set name = 'other' where name = 'acme'");
        return [`organization_misnamed acme ${scene.acme.organizationId}`];
      },
    },
    {
      what: "one of another name while somebody else has the right one",
      async plant(scene) {
        await sql(scene, "update organizations set name = 'other' where name = 'acme'");
        await sql(scene, "insert into organizations values ('org_theirs', 'acme')");
        return [`organization_misnamed acme ${scene.acme.organizationId}`, "organization_foreign acme org_theirs"];
      },
      left: ({ acme }) => [`organization_misnamed acme ${acme.organizationId}`, "organization_foreign acme org_theirs"],
    },
  ],
  client_unlisted: [
    {
      what: "an application",
      async plant(scene) {
        const { directories } = scene.street.registry;
        for (const id of ["a", "c"]) await directories.addClient("acme", `${CLIENT}${id}`);
        for (const id of ["a", "b", "c", "d"]) await inDatabase(scene, `insert into notes values ('${CLIENT}${id}')`);
        return [`client_unlisted acme ${CLIENT}b`, `client_unlisted acme ${CLIENT}d`];
      },
    },
  ],
  client_directory_stale: [
    {
      what: "an entry whose application is not there",
      async plant({ street }) {
        await street.registry.directories.addClient("acme", `${CLIENT}gone`);
        street.time.ms += 11 * MINUTE_MS;
        await street.registry.directories.addClient("acme", `${CLIENT}coming`);
        return [`client_directory_stale acme ${CLIENT}gone`];
      },
    },
    {
      what: "an entry whose tenant is not there",
      async plant({ street }) {
        await street.registry.directories.addClient("nobody", "client");
        return ["client_directory_stale nobody client"];
      },
    },
  ],
} satisfies Record<string, readonly Case[]>;
