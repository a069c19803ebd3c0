import type { Config } from "../config.ts";
import type { FleetDetail, FleetPlan, NewFleetOperation } from "../http/operations/fleet-schemas.ts";
import type { DetailPaging } from "../http/operations/fleet-service.ts";
import type { Rowhouse } from "../wiring/rowhouse.ts";
import { type Api, createApi } from "./api.ts";
import { wrongUse } from "./failures.ts";
import { openHouse, requireAlone, visited } from "./offline.ts";
import { givenUrl, serverOf, serviceSettings } from "./settings.ts";

/** Where operations on many tenants are begun and asked about: at a running server, or in this process. */
export interface FleetDesk {
  /** In this process: migrations of the control plane itself, which `begin` applies before anything else. */
  readonly pending?: readonly string[];
  plan(asked: NewFleetOperation): Promise<FleetPlan>;
  /** Begins one and answers its id. */
  begin(asked: NewFleetOperation): Promise<string>;
  get(id: string, paging: DetailPaging): Promise<FleetDetail | null>;
  /** In this process it stops what is not over: after those whose turn it is. */
  close(): Promise<void>;
}

/** The desk of a running server. What has begun there goes on when nobody asks any more. */
export function deskAt(api: Api): FleetDesk {
  return {
    plan: (asked) => api.post<FleetPlan>("/operations", { json: { ...asked, dry_run: true } }),
    begin: async (asked) => (await api.post<FleetDetail>("/operations", { json: asked })).id,
    get: (id, paging) => api.get<FleetDetail>(`/operations/${encodeURIComponent(id)}`, { query: { ...paging } }),
    close: () => Promise.resolve(),
  };
}

/**
 * A server's desk, if one was named; else one over the database that the settings name, as long as nobody else is there.
 * Throws `conflict` (`server_running`) when somebody is.
 */
export async function openDesk(url: string | undefined): Promise<FleetDesk> {
  return givenUrl(url) === undefined ? await openOffline(serviceSettings()) : deskAt(createApi(serverOf(url)));
}

/** What the route would let through. */
async function checked(asked: NewFleetOperation): Promise<NewFleetOperation> {
  const { NewFleetOperation: Asked } = await import("../http/operations/fleet-schemas.ts");
  const { data, error } = Asked.safeParse(asked);
  if (data) return data;
  throw wrongUse("invalid_body", error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}

async function openOffline(config: Config): Promise<FleetDesk> {
  const pending = await visited(config, async (visit) => {
    await requireAlone(visit, config);
    return visit.pending.map(({ set, id }) => `${set}/${id}`);
  });
  let opened: Promise<Rowhouse> | undefined;
  const fleet = async () => {
    opened ??= openHouse(config);
    return (await opened).fleet;
  };
  return {
    pending,
    plan: async (asked) => (await fleet()).plan(await checked(asked)),
    begin: async (asked) => (await fleet()).begin(await checked(asked), "rowhouse"),
    get: async (id, paging) => (await fleet()).get(id, paging),
    close: async () => (await opened)?.close(),
  };
}
