import { copyFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FindingKind } from "../../provisioning/reconcile/findings.ts";
import { DatabaseName, databaseNameOf } from "../../src/domain/names.ts";
import {
  type Case,
  FILES,
  inDatabase,
  LISTING,
  LONG_AGO,
  MINUTE_MS,
  pathOf,
  purgeButKeep,
  sql,
} from "./reconcile-scene.ts";
import { TENANT_CASES } from "./reconcile-tenant-cases.ts";
import { ask } from "./street.ts";

/** Every kind of finding, in every way that matters. One that is missing here does not compile. */
export const CASES: Readonly<Record<FindingKind, readonly Case[]>> = {
  ...TENANT_CASES,
  state_directory_stray: [
    {
      what: "a state whose tenant is not there",
      async plant({ street }) {
        await street.registry.directories.addState("nobody", "state", "2027-01-01T00:00:00.000Z");
        return ["state_directory_stray nobody state"];
      },
    },
  ],
  custom_domain_leftover: [
    {
      what: "of a tenant that is purged, and of one that never was",
      async plant(scene) {
        await sql(scene, "insert into rh_retired_tags values ('0000000000', 'delta', ?, ?)", LONG_AGO, LONG_AGO);
        await sql(scene, "insert into custom_domains values ('delta', 'login.delta.example', 'ready', '{}')");
        await sql(scene, "insert into custom_domains values ('nobody', 'login.delta.example', 'pending', '{}')");
        await sql(scene, "insert into custom_domains values ('acme', 'login.acme.example', 'ready', '{}')");
        return [
          "custom_domain_leftover delta login.delta.example",
          "custom_domain_leftover nobody login.delta.example",
        ];
      },
    },
  ],
  placement_lost: [
    {
      what: "a tag that no tenant has, with a domain that stays its own",
      async plant(scene) {
        await sql(scene, "insert into rh_retired_tags values ('0000000000', 'delta', ?, null)", LONG_AGO);
        await sql(scene, "insert into custom_domains values ('delta', 'login.delta.example', 'ready', '{}')");
        return ["placement_lost delta 0000000000"];
      },
    },
    {
      what: "a tag that no tenant has",
      async plant(scene) {
        await sql(scene, "insert into rh_retired_tags values ('0000000000', 'delta', ?, null)", LONG_AGO);
        return ["placement_lost delta 0000000000"];
      },
    },
  ],
  tenant_row_unplaced: [
    {
      what: "a row that no tenant has",
      async plant(scene) {
        await sql(scene, "insert into tenants values ('delta')");
        return ["tenant_row_unplaced delta delta"];
      },
    },
  ],
  organization_foreign: [
    {
      what: "one beside the tenant's",
      async plant(scene) {
        await sql(scene, "update organizations set name = 'old' where name = 'acme'");
        await sql(scene, "insert into organizations values ('org_theirs', 'acme')");
        return [`organization_misnamed acme ${scene.acme.organizationId}`, "organization_foreign acme org_theirs"];
      },
      left: ({ acme }) => [`organization_misnamed acme ${acme.organizationId}`, "organization_foreign acme org_theirs"],
    },
  ],
  organization_leftover: [
    {
      what: "one that was made while the tenant lived",
      async plant(scene) {
        await scene.street.purge("acme");
        await sql(scene, "insert into organizations values ('org_old', 'acme')");
        scene.madeAt.set("org_old", scene.street.clock().toISOString());
        return ["organization_leftover acme org_old"];
      },
    },
    {
      what: "and none that was made since, or of which that is not known",
      async plant(scene) {
        await scene.street.purge("acme");
        await sql(scene, "insert into organizations values ('org_new', 'acme')");
        scene.madeAt.set("org_new", new Date(scene.street.time.ms + 1).toISOString());
        return [];
      },
    },
  ],
  provider_unreachable: [
    {
      what: "a provider that does not answer",
      on: LISTING,
      plant({ isUnlistable, street }) {
        isUnlistable.now = true;
        return Promise.resolve([`provider_unreachable - ${street.provider.name}`]);
      },
    },
  ],
  database_unknown: [
    {
      what: "a database of another name, and one with a tag of nobody's",
      on: LISTING,
      async plant({ street }) {
        for (const name of ["stranger", "t-0000000000-1"]) await street.provider.ensure(DatabaseName.parse(name));
        return ["database_unknown - stranger", "database_unknown - t-0000000000-1"];
      },
    },
  ],
  database_unplaced: [
    {
      what: "a database whose tenant the registry has lost",
      on: LISTING,
      async plant(scene) {
        const { tag, database } = scene.acme;
        await scene.street.pool.evict("acme");
        await sql(scene, "delete from rh_placements where tenant_id = 'acme'");
        return [`placement_lost acme ${tag}`, "tenant_row_unplaced acme acme", `database_unplaced acme ${database}`];
      },
    },
  ],
  database_elsewhere: [
    {
      what: "a second generation",
      on: LISTING,
      async plant({ street, acme }) {
        const name = databaseNameOf(acme.tag, 2);
        await street.provider.ensure(name);
        return [`database_elsewhere acme ${name}`];
      },
    },
  ],
  database_leftover: [
    {
      what: "a purged tenant's",
      plant: async (scene) => [`database_leftover acme ${await purgeButKeep(scene)}`],
    },
    {
      what: "a purged tenant's, put away",
      async plant(scene) {
        const name = await purgeButKeep(scene);
        await scene.street.provider.retain(scene.acme.database);
        return [`database_leftover acme ${name}`];
      },
    },
    {
      what: "one that was made after the purge, for nobody",
      async plant({ street, acme }) {
        await street.purge("acme");
        await street.provider.ensure(acme.database, { from: await street.template.at(street.provider) });
        return [`database_leftover acme ${acme.database}`];
      },
    },
    {
      what: "one that says it is another's",
      async plant(scene) {
        await inDatabase(scene, "update database_identity set tenant_id = 'stranger'");
        return [`database_leftover acme ${await purgeButKeep(scene)}`];
      },
      left: ({ acme }) => [`database_leftover acme ${acme.database}`],
    },
    {
      what: "one that says nothing, and holds something",
      async plant({ street, acme }) {
        await street.purge("acme");
        const location = await street.provider.ensure(acme.database);
        const database = await street.provider.open(acme.database, location);
        await ask(database, "create table theirs (body text)");
        await database.close();
        return [`database_leftover acme ${acme.database}`];
      },
      left: ({ acme }) => [`database_leftover acme ${acme.database}`],
    },
  ],
  file_companion: [
    {
      what: "a purged tenant's log, an index, and a log without a byte",
      on: FILES,
      async plant(scene) {
        await scene.street.purge("beta");
        const [beta] = await sql(scene, "select tag from rh_retired_tags where tenant_id = 'beta'");
        writeFileSync(pathOf(scene, `t-${beta?.tag}-1.db-wal`), "x".repeat(4096));
        writeFileSync(pathOf(scene, "stranger.db-shm"), "x".repeat(4096));
        writeFileSync(pathOf(scene, "deleted", `${scene.acme.database}.db-wal`), "");
        return [
          "file_companion - stranger.db-shm",
          `file_companion beta t-${beta?.tag}-1.db-wal`,
          `file_companion acme deleted/${scene.acme.database}.db-wal`,
        ];
      },
    },
    {
      what: "a log in which something may be",
      on: FILES,
      plant(scene) {
        writeFileSync(pathOf(scene, "deleted", `${scene.acme.database}.db-wal`), "x".repeat(4096));
        return Promise.resolve([`file_companion acme deleted/${scene.acme.database}.db-wal`]);
      },
      left: ({ acme }) => [`file_companion acme deleted/${acme.database}.db-wal`],
    },
  ],
  file_half_made: [
    {
      what: "a copy of a process that is gone, and none of one that runs or of a moment ago",
      on: FILES,
      plant(scene) {
        const making = pathOf(scene, "making");
        mkdirSync(making, { recursive: true });
        const hourAgo = new Date(Date.now() - 61 * MINUTE_MS);
        const name = (pid: number, letter: string) => `${pid}-${letter.repeat(21)}.db`;
        for (const file of [name(999_999_999, "a"), name(process.pid, "b"), name(999_999_999, "c")]) {
          writeFileSync(join(making, file), "half");
          if (!file.includes("c")) utimesSync(join(making, file), hourAgo, hourAgo);
        }
        return Promise.resolve([`file_half_made - making/${name(999_999_999, "a")}`]);
      },
    },
  ],
  file_twice: [
    {
      what: "a tenant's database",
      on: FILES,
      async plant(scene) {
        await scene.street.pool.evict("acme");
        const file = `${scene.acme.database}.db`;
        copyFileSync(pathOf(scene, file), pathOf(scene, "deleted", file));
        return [`file_twice acme deleted/${file}`];
      },
    },
  ],
  file_unknown: [
    {
      what: "files, and a directory",
      on: FILES,
      plant(scene) {
        writeFileSync(pathOf(scene, "notes.txt"), "mine");
        writeFileSync(pathOf(scene, "deleted", "Upper.db"), "mine");
        mkdirSync(pathOf(scene, "folder"));
        mkdirSync(pathOf(scene, "making"), { recursive: true });
        writeFileSync(pathOf(scene, "making", "x.db"), "mine");
        return Promise.resolve([
          "file_unknown - folder",
          "file_unknown - notes.txt",
          "file_unknown - deleted/Upper.db",
          "file_unknown - making/x.db",
        ]);
      },
    },
  ],
};
