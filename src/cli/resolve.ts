import type { Command } from "commander";
import type { HostExplanation } from "../http/hosts/router.ts";
import { createApi } from "./api.ts";
import { describe, does, type Program, type ServerOptions } from "./command.ts";
import { EXIT } from "./failures.ts";
import { visited } from "./offline.ts";
import type { Cell, Output } from "./output.ts";
import { givenUrl, serverOf, serviceSettings } from "./settings.ts";

/** `rowhouse resolve`: asks a running server, or reads the control plane's database, also beside one. */
export function addResolve(root: Command, program: Program): void {
  const resolve = describe(root.command("resolve"), "Explain which tenant a host leads to, and why, or why to none", [
    "rowhouse resolve acme.auth.example.com",
    "rowhouse resolve login.acme.com --url https://auth.example.com/ --json",
  ])
    .argument("<host>", "as in a request's Host header, with or without a port")
    .option(
      "--url <url>",
      "the running server to ask; default: ROWHOUSE_URL, else the control plane's database is read",
    );
  does(resolve, program, async ({ out }, host: string, { url }: ServerOptions) => {
    const explanation = givenUrl(url) === undefined ? await read(host) : await asked(url, host);
    show(out, explanation);
    return explanation.served ? EXIT.done : EXIT.failed;
  });
}

async function read(host: string): Promise<HostExplanation> {
  const config = serviceSettings();
  return await visited(config, async (visit) => {
    const { explainHost } = await import("../wiring/resolution.ts");
    return await explainHost(visit, config, host);
  });
}

const asked = (url: string | undefined, host: string): Promise<HostExplanation> =>
  createApi(serverOf(url)).get<HostExplanation>("/hosts", { query: { host } });

function show(out: Output, explanation: HostExplanation): void {
  const { host, rules, origin } = explanation;
  const fields = {
    host,
    ...Object.fromEntries(rules.map(({ rule, found }) => [rule, found])),
    ...tenantIn(explanation),
    ...(origin !== null && { "canonical name": origin }),
    ...outcomesIn(explanation),
  };
  out.fields(fields, explanation);
}

function tenantIn({ tenant, rules }: HostExplanation): Record<string, Cell> {
  if (!tenant) return { tenant: rules.some(({ matches }) => matches) ? "there is none of that id" : "none" };
  const { id, state, purge_at, database, provider, generation, is_up_to_date } = tenant;
  return {
    tenant: id,
    state: purge_at === null ? state : `${state}, to be purged at ${purge_at}`,
    database: `${database} at ${provider}, generation ${generation}`,
    ...(is_up_to_date !== null && { schema: is_up_to_date ? "up to date" : "another than this version's" }),
  };
}

/** One line, where all requests fare alike. */
function outcomesIn({ answers }: HostExplanation): Record<string, Cell> {
  const outcomes = answers.map((answer) => [answer.kind, outcomeOf(answer)] as const);
  const [first, ...others] = outcomes.map(([, outcome]) => outcome);
  return others.every((outcome) => outcome === first) ? { "every request": first } : Object.fromEntries(outcomes);
}

function outcomeOf({ outcome, status, errorCode, location }: HostExplanation["answers"][number]): string {
  if (outcome === "served") return "served";
  return `${status} ${errorCode ?? `to ${location}`}`;
}
