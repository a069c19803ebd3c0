import type { Placement } from "../../provisioning/placements.ts";
import type { Registry } from "../../provisioning/registry.ts";

const PAGE_ROWS = 100;

/** Every placement there is, the control plane's included, read a page at a time. */
export async function* everyPlacement({ list }: Pick<Registry, "list">): AsyncIterable<Placement> {
  let page = await list({ take: PAGE_ROWS });
  while (page.length > 0) {
    yield* page;
    page = await list({ take: PAGE_ROWS, from: page.at(-1)?.tenantId ?? "" });
  }
}

/** Every tenant that is served and up to date, the control plane included, a page at a time. */
export async function* servedTenants(
  registry: Pick<Registry, "list">,
  isBehind: (placement: Placement) => boolean,
): AsyncIterable<string> {
  for await (const placement of everyPlacement(registry)) {
    if (placement.state === "ready" && !isBehind(placement)) yield placement.tenantId;
  }
}
