import type { HouseInProcess } from "../../support/in-process.ts";

/** A route of the Management API as a caller knows it. */
export interface ManagementRoute {
  readonly method: string;
  /** Below `/api/v2`, parameters in braces. */
  readonly path: string;
  /** Any of these lets a token in; empty for a route that the OpenAPI document does not describe. */
  readonly scopes: readonly string[];
  readonly isDescribed: boolean;
}

const PREFIX = "/api/v2";

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { security?: { Bearer?: string[] }[] }>>>>;
}

/** Every route that the app has or its OpenAPI document describes, and `HEAD` of everything that can be read. */
export async function managementRoutes(house: HouseInProcess): Promise<readonly ManagementRoute[]> {
  const { paths } = await house.made<OpenApi>("/spec");
  const routes = new Map<string, ManagementRoute>();
  const add = (route: ManagementRoute) => routes.set(`${route.method} ${route.path}`, route);

  for (const { method, path } of house.routes) {
    // `ALL` is how Hono lists middlewares; none of them answers by itself.
    if (method === "ALL" || !path.startsWith(PREFIX)) continue;
    const bare = path.slice(PREFIX.length).replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
    add({ method, path: bare.replace(/(.)\/$/, "$1"), scopes: [], isDescribed: false });
  }
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { security = [] }] of Object.entries(operations)) {
      const scopes = security.flatMap(({ Bearer = [] }) => Bearer);
      add({ method: method.toUpperCase(), path, scopes, isDescribed: true });
    }
  }
  for (const route of [...routes.values()]) if (route.method === "GET") add({ ...route, method: "HEAD" });
  return [...routes.values()];
}

export const nameOf = ({ method, path }: Pick<ManagementRoute, "method" | "path">) => `${method} ${path}`;
