/** A request to the Management API as somebody would send it. */
export interface Visit {
  /** As the matrix names it. */
  readonly route: string;
  /** What stands for the parameters of the path: what was kept under a name, or, after `=`, the text itself. */
  readonly with?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly json?: unknown;
  /** The body as it was kept, for what is no JSON. */
  readonly text?: string;
  /** Keeps a member of the answer (`/` goes down, a number picks one of a list, nothing means all of it) under a name. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Asked by one of the tenant's team; default: by an operator. */
  readonly asTeam?: boolean;
  /** Asked at the control plane for itself; default: for the tenant. */
  readonly atControlPlane?: boolean;
}

/** Stands in a body for what was kept under the name. */
export const kept = (name: string) => ({ kept: name });

/** Reads, changes and reads of one thing that has an id. */
export function life(path: string, name: string, made: object, changed: object, idField = "id"): Visit[] {
  const one = `${path}/{${idField === "hook_id" ? "hook_id" : "id"}}`;
  const at = { [idField === "hook_id" ? "hook_id" : "id"]: name };
  return [
    { route: `GET ${path}` },
    { route: `POST ${path}`, json: made, keep: { [name]: idField } },
    { route: `PATCH ${one}`, with: at, json: changed },
    { route: `GET ${one}`, with: at },
  ];
}

export const gone = (path: string, name: string, parameter = "id"): Visit => ({
  route: `DELETE ${path}/{${parameter}}`,
  with: { [parameter]: name },
});

export const reads = (...paths: string[]): Visit[] => paths.map((path) => ({ route: `GET ${path}` }));
