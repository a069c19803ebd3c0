import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../src/domain/clock.ts";
import { createDisturbance, type Disturbance } from "./disturbance.ts";
import { startSqld } from "./sqld.ts";
import { type Call, createFaults, spoil } from "./turso-faults.ts";
import { createNamespaces, type Namespaces } from "./turso-namespaces.ts";

const ORGANIZATION = "acme";
const API_TOKEN = "platform-token-of-acme";

/** Options for the provider at a double, complete but for time. */
export const optionsOf = (url: string) => ({
  organization: ORGANIZATION,
  apiToken: API_TOKEN,
  apiUrl: `${url}/v1`,
  connect: (hostname: string) => ({ url: `${url}/data/${hostname}/` }),
});

export type Turso = Awaited<ReturnType<typeof startTurso>>;

/** How this Turso behaves where the real one is known to vary. Tests change it as they go. */
export interface Behaviour {
  /** The status of a name in use: 409 is documented, 400 is what comes, 422 is what Turso's own tool expects. */
  taken: 400 | 409 | 422;
  /** How long a new database answers 404. */
  readyAfterMs: number;
  /** Rows of a page of the list, whatever is asked for. */
  pageRows: number;
  clock: Clock;
}

interface Row {
  readonly name: string;
  readonly id: string;
  readonly hostname: string;
  readonly namespace: string;
  readonly group: string;
  readonly readyAt: number;
  readonly made: Promise<void>;
  settings: { size_limit: string; block_reads: boolean; block_writes: boolean; delete_protection: boolean };
}

/** The state one double keeps. */
interface World {
  readonly namespaces: Namespaces;
  readonly behaviour: Behaviour;
  readonly rows: Map<string, Row>;
  readonly groups: Set<string>;
  readonly locations: Map<string, string>;
  count: number;
}

/**
 * Turso on loopback: speaks the documented shapes of the Platform API, makes real namespaces on a real libSQL server,
 * and has that server check its tokens. A host name leads to a database through `connect` only.
 */
export async function startTurso() {
  const sqld = await startSqld();
  const faults = createFaults();
  const requests: string[] = [];
  const behaviour: Behaviour = { taken: 400, readyAfterMs: 0, pageRows: 100, clock: () => new Date() };
  const world: World = {
    namespaces: createNamespaces(sqld),
    behaviour,
    rows: new Map(),
    groups: new Set(["default"]),
    locations: new Map(),
    count: 0,
  };

  const lines = new Map<string, Disturbance>();

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const read = await readRequest(request);
    // Whoever has a line of its own calls through it.
    const [, line = "", path = read.path] = /^\/line\/(\w+)(\/.*)$/.exec(read.path) ?? [];
    const asked = { ...read, path };
    const { call, run }: Route = asked.path.startsWith("/data/")
      ? { call: "data", run: () => forward(world, sqld.url, asked) }
      : route(world, asked);
    if (call !== "data") requests.push(`${call} ${asked.method} ${asked.path}`);
    const fault = lines.get(line)?.take() ?? faults.take(call);
    const answer = !fault || fault.carriedOut ? await run() : undefined;
    if (fault || !answer) return spoil(response, fault ?? { carriedOut: false, answer: "cut" });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: String(error) }));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;

  return {
    url,
    options: optionsOf(url),
    faults,
    /** A way to this double of one's own, on which calls are counted and can be made to fail. */
    line() {
      const name = `line${lines.size}`;
      const disturbance = createDisturbance();
      lines.set(name, disturbance);
      return { options: optionsOf(`${url}/line/${name}`), disturbance };
    },
    behaviour,
    /** `create POST /v1/…` for every request to the platform. */
    requests,
    groups: world.groups,
    /** The primary location of a group; without one it is `aws-eu-west-1`. */
    locations: world.locations,
    groupOf: (name: string) => world.rows.get(name)?.group,
    names: () => [...world.rows.keys()].toSorted(),
    settingsOf: (name: string) => world.rows.get(name)?.settings,
    async stop() {
      server.closeAllConnections();
      server.close();
      await sqld.stop();
    },
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: string;
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const url = new URL(request.url ?? "/", "http://loopback");
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    authorization: request.headers.authorization ?? "",
    body,
  };
}

interface Answer {
  readonly status: number;
  /** Text as it is, anything else as JSON. */
  readonly body: unknown;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const no = (status: number, error: string): Answer => ({ status, body: { error } });

/** To the server behind the host name, unless the database is still on its way. */
async function forward({ rows, behaviour }: World, sqldUrl: string, asked: Asked): Promise<Answer> {
  const [, , hostname, ...rest] = asked.path.split("/");
  const row = [...rows.values()].find((one) => one.hostname === hostname);
  if (!row || behaviour.clock().getTime() < row.readyAt) return no(404, "no such host");
  await row.made;
  const response = await fetch(`${sqldUrl}/${rest.join("/")}`, {
    method: asked.method,
    headers: {
      "content-type": "application/json",
      authorization: asked.authorization,
      "x-namespace-bin": Buffer.from(row.namespace).toString("base64").replaceAll("=", ""),
    },
    body: asked.body,
  });
  return { status: response.status, body: await response.text() };
}

type Route = { readonly call: Call; readonly run: () => Answer | Promise<Answer> };

/** The Platform API, one line per call. */
function route(world: World, asked: Asked): Route {
  if (asked.authorization !== `Bearer ${API_TOKEN}`) {
    return { call: "other", run: () => no(401, "could not authenticate") };
  }
  const parts = asked.path.replace(`/v1/organizations/${ORGANIZATION}/`, "").split("/");
  const [kind, name = "", ...rest] = parts;
  const target = `${asked.method} ${kind}${name && "/:name"}${rest.map((part) => `/${part}`).join("")}`;
  const withRow = (run: (row: Row) => Answer | Promise<Answer>) => async () => {
    const row = world.rows.get(name);
    if (!row) return no(404, `could not find database with name [${name}]: record not found`);
    await row.made;
    return run(row);
  };
  const { namespaces } = world;

  const routes: Record<string, Route> = {
    "POST databases": { call: "create", run: () => create(world, JSON.parse(asked.body)) },
    "GET databases": { call: "list", run: () => list(world, asked.query) },
    "GET databases/:name": { call: "get", run: withRow((row) => ok({ database: shown(row) })) },
    "DELETE databases/:name": { call: "delete", run: withRow((row) => remove(world, row)) },
    "POST databases/:name/auth/tokens": {
      call: "token",
      run: withRow(async (row) => ok({ jwt: await namespaces.token(row.namespace) })),
    },
    "POST databases/:name/auth/rotate": {
      call: "rotate",
      run: withRow(async (row) => ok((await namespaces.rotate(row.namespace)) ?? "")),
    },
    "GET databases/:name/configuration": { call: "settings", run: withRow((row) => ok(row.settings)) },
    "PATCH databases/:name/configuration": {
      call: "configure",
      run: withRow((row) => configure(world, row, JSON.parse(asked.body))),
    },
    "GET databases/:name/usage": {
      call: "usage",
      run: withRow(async (row) =>
        ok({ database: { uuid: row.id, instances: [], total: await namespaces.usage(row.namespace) } }),
      ),
    },
    "GET groups": { call: "other", run: () => ok({ groups: [...world.groups].map((one) => shownGroup(world, one)) }) },
    "POST groups": { call: "group", run: () => createGroup(world, JSON.parse(asked.body)) },
  };
  return routes[target] ?? { call: "other", run: () => no(404, "not found") };
}

interface Create {
  readonly name: string;
  readonly group?: string;
  readonly seed?: { readonly type: string; readonly name: string };
}

async function create(world: World, { name, group = "", seed }: Create): Promise<Answer> {
  const { rows, groups, namespaces, behaviour } = world;
  if (!groups.has(group)) return no(400, "group not found");
  if (rows.has(name)) return no(behaviour.taken, "database with same name already exists");
  const source = seed && rows.get(seed.name);
  if (seed && !source) return no(404, `could not find database with name [${seed.name}]: record not found`);

  // A number in it, so that nobody can build the host name from the name.
  const namespace = `${name}-${++world.count}`;
  const made = Promise.resolve(source?.made).then(() => namespaces.create(namespace, source?.namespace));
  const row: Row = {
    name,
    id: `id-${namespace}`,
    namespace,
    hostname: `${namespace}-${ORGANIZATION}.aws-eu-west-1.turso.test`,
    group,
    readyAt: behaviour.clock().getTime() + behaviour.readyAfterMs,
    made,
    settings: { size_limit: "", block_reads: false, block_writes: false, delete_protection: false },
  };
  rows.set(name, row);
  await made;
  return ok({ database: { DbId: row.id, Hostname: row.hostname, Name: row.name } });
}

async function remove({ rows, namespaces }: World, row: Row): Promise<Answer> {
  if (row.settings.delete_protection) return no(403, "database is protected against deletion");
  // Two deletions at once: the second finds nothing.
  if (!rows.delete(row.name)) return no(404, "record not found");
  await namespaces.remove(row.namespace);
  return ok({ database: row.name });
}

async function configure({ namespaces }: World, row: Row, change: Partial<Row["settings"]>): Promise<Answer> {
  row.settings = { ...row.settings, ...change };
  const { block_reads, block_writes } = row.settings;
  await namespaces.block(row.namespace, { block_reads, block_writes });
  return ok(row.settings);
}

function list({ rows, behaviour }: World, query: URLSearchParams): Answer {
  const limit = Math.min(Number(query.get("limit") ?? 100), behaviour.pageRows);
  const after = query.get("cursor") ?? "";
  const found = [...rows.values()]
    .filter(({ group }) => group === (query.get("group") ?? group))
    .filter(({ name }) => name > after)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const page = found.slice(0, limit);
  const next = found.length > limit ? page.at(-1)?.name : undefined;
  return ok({ databases: page.map(shown), ...(next && { pagination: { next } }) });
}

function createGroup(world: World, { name, location }: { name: string; location: string }): Answer {
  if (world.groups.has(name)) return no(409, "group already exists");
  world.groups.add(name);
  world.locations.set(name, location);
  return ok({ group: shownGroup(world, name) });
}

function shownGroup({ locations }: World, name: string) {
  const primary = locations.get(name) ?? "aws-eu-west-1";
  return { name, locations: [primary], primary };
}

const shown = ({ name, id, hostname, group, settings }: Row) => ({
  Name: name,
  DbId: id,
  Hostname: hostname,
  group,
  primaryRegion: "aws-eu-west-1",
  type: "logical",
  parent: null,
  ...settings,
});
