import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { Operation } from "../http/operations/schemas.ts";
import type { Tenant, TenantDatabase } from "../http/tenants/schemas.ts";
import { type Api, createApi } from "./api.ts";
import { describe, does, group, type Program, type ServerOptions, withServer } from "./command.ts";
import { followOperation } from "./follow.ts";
import type { Column, Output } from "./output.ts";
import { serverOf } from "./settings.ts";

const BEHIND_REQUEST = { headers: { prefer: "respond-async" } };

const PAGE_ROWS = 100;

/** `rowhouse tenants …` */
export function addTenants(root: Command, program: Program): void {
  const tenants = group(root, "tenants", "Make, list and end tenants on a running server");
  addCreate(tenants, program);
  addList(tenants, program);
  addShow(tenants, program);
  addStates(tenants, program);
  addEnds(tenants, program);
}

interface CreateOptions extends ServerOptions {
  readonly name?: string;
  readonly admin?: string;
  readonly provider?: string;
  readonly group?: string;
  readonly region?: string;
  readonly wait: boolean;
}

function addCreate(tenants: Command, program: Program): void {
  const create = describe(tenants.command("create <id>"), "Make a tenant with a database of its own", [
    "rowhouse tenants create acme --name Acme",
    "rowhouse tenants create acme --admin ada@acme.example",
    "rowhouse tenants create acme --provider turso --group eu --json",
  ])
    .option("--name <name>", "how people call it; default: the id")
    .option("--admin <email>", "invite somebody by mail to administer it")
    .option("--provider <provider>", "where its database is to be: file, turso or libsql-server; default: PROVIDER")
    .option("--group <group>", "of the groups at Turso")
    .option("--region <region>", "where the provider has regions")
    .option("--no-wait", "answer as soon as it has begun");
  does(withServer(create), program, async ({ out }, id: string, options: CreateOptions) => {
    const api = createApi(serverOf(options.url));
    const { name, admin, provider, group: within, region } = options;
    const database = Object.fromEntries(
      Object.entries({ provider, group: within, region }).filter(([, value]) => value !== undefined),
    );
    const begun = await api.post<Operation>("/tenants", {
      json: {
        ...{ id, friendly_name: name ?? id },
        ...(admin !== undefined && { admin: { email: admin } }),
        ...(Object.keys(database).length > 0 && { database }),
      },
      // Whoever loses the answer makes nothing twice by asking the operation.
      headers: { ...BEHIND_REQUEST.headers, "idempotency-key": randomUUID() },
    });
    if (!options.wait) return showBegun(out, begun);
    await followOperation(api, out, begun);
    showTenant(out, await api.get<Tenant>(`/tenants/${encodeURIComponent(id)}`));
  });
}

function addList(tenants: Command, program: Program): void {
  const list = describe(tenants.command("list"), "List all tenants but deleted ones", [
    "rowhouse tenants list",
    "rowhouse tenants list --prefix ac",
    "rowhouse tenants list --json",
    "rowhouse tenants list | cut -f1",
  ]).option("--prefix <prefix>", "only those whose id or name begins so");
  does(withServer(list), program, async ({ out }, options: ServerOptions & { readonly prefix?: string }) => {
    out.rows(await everyTenant(createApi(serverOf(options.url)), options.prefix), COLUMNS);
  });
}

const COLUMNS: readonly Column<Tenant>[] = [
  ["id", ({ id }) => id],
  ["name", ({ friendly_name }) => friendly_name],
  ["state", ({ state }) => state],
  ["created", ({ created_at }) => created_at],
];

/** Asked for a page at a time. */
export async function everyTenant(api: Api, prefix?: string): Promise<Tenant[]> {
  const found: Tenant[] = [];
  let from: string | undefined;
  do {
    const query = { take: PAGE_ROWS, from, q: prefix };
    const page = await api.get<{ tenants: Tenant[]; next?: string }>("/tenants", { query });
    found.push(...page.tenants);
    from = page.next;
  } while (from !== undefined);
  return found;
}

function addShow(tenants: Command, program: Program): void {
  const show = describe(tenants.command("show <id>"), "Show a tenant, and where its database is and how it is", [
    "rowhouse tenants show acme",
    "rowhouse tenants show acme --json",
  ]);
  does(withServer(show), program, async ({ out }, id: string, options: ServerOptions) => {
    const api = createApi(serverOf(options.url));
    const path = `/tenants/${encodeURIComponent(id)}`;
    const [tenant, database] = await Promise.all([api.get<Tenant>(path), api.get<TenantDatabase>(`${path}/database`)]);
    showTenant(out, tenant, database);
  });
}

function showTenant(out: Output, tenant: Tenant, database?: TenantDatabase): void {
  const fields = {
    ...{ id: tenant.id, name: tenant.friendly_name, state: tenant.state, created: tenant.created_at },
    ...(tenant.purge_at !== undefined && { "purged at": tenant.purge_at }),
    ...(database && {
      ...{ provider: database.provider, database: database.name, generation: database.generation },
      ...(database.group !== null && { group: database.group }),
      ...(database.region !== null && { region: database.region }),
      bytes: database.size_bytes,
      health: database.problem === null ? database.health : `${database.health} (${database.problem})`,
      "last backup": database.last_backup,
    }),
  };
  out.fields(fields, database ? { ...tenant, database } : tenant);
}

const STATES = [
  ["suspend", "Let everything of a tenant answer 403, until it is reactivated"],
  ["reactivate", "Bring a suspended or read-only tenant back into full service"],
] as const;

function addStates(tenants: Command, program: Program): void {
  for (const [verb, description] of STATES) {
    const command = describe(tenants.command(`${verb} <id>`), description, [`rowhouse tenants ${verb} acme`]);
    does(withServer(command), program, async ({ out }, id: string, options: ServerOptions) => {
      const api = createApi(serverOf(options.url));
      showTenant(out, await api.post<Tenant>(`/tenants/${encodeURIComponent(id)}/${verb}`));
    });
  }
}

interface EndOptions extends ServerOptions {
  readonly purge?: true;
  readonly wait: boolean;
}

function addEnds(tenants: Command, program: Program): void {
  const remove = describe(tenants.command("delete <id>"), "Delete a tenant; for UNDELETE_DAYS it can be brought back", [
    "rowhouse tenants delete acme",
    "rowhouse tenants delete acme --purge",
  ])
    .option("--purge", "for good and at once: its database, its keys, every row")
    .option("--no-wait", "answer as soon as it has begun");
  does(withServer(remove), program, async ({ out }, id: string, options: EndOptions) => {
    const api = createApi(serverOf(options.url));
    const query = options.purge && { purge: "true" };
    const request = { ...BEHIND_REQUEST, ...(query && { query }) };
    const begun = await api.remove<Operation | undefined>(`/tenants/${encodeURIComponent(id)}`, request);
    if (begun && !options.wait) return showBegun(out, begun);
    if (begun) await followOperation(api, out, begun);
    if (options.purge) return out.fields({ id, state: "purged" });
    showTenant(out, await api.get<Tenant>(`/tenants/${encodeURIComponent(id)}`));
  });

  const undelete = describe(tenants.command("undelete <id>"), "Bring a deleted tenant back as it was", [
    "rowhouse tenants undelete acme",
  ]).option("--no-wait", "answer as soon as it has begun");
  does(withServer(undelete), program, async ({ out }, id: string, options: EndOptions) => {
    const api = createApi(serverOf(options.url));
    const path = `/tenants/${encodeURIComponent(id)}`;
    const begun = await api.post<Operation>(`${path}/undelete`, BEHIND_REQUEST);
    if (!options.wait) return showBegun(out, begun);
    await followOperation(api, out, begun);
    showTenant(out, await api.get<Tenant>(path));
  });
}

function showBegun(out: Output, operation: Operation): void {
  const { id, kind, tenant_id, status } = operation;
  out.fields({ operation: id, kind, tenant: tenant_id, status }, operation);
}
