import type { SealedColumn } from "../db/resealing.ts";
import { boundTo } from "./columns.ts";
import type { Definition } from "./entity.ts";

/** Where a definition has sealed values: its columns say so themselves. */
export const sealedColumnsOf = (
  { table, key, columns }: Pick<Definition, "table" | "key" | "columns">,
  /** Who the values are sealed for: a column, or null for nobody in particular. */
  owner: string | null = "tenant_id",
): readonly SealedColumn[] =>
  Object.entries(columns).flatMap(([field, { home, isSealed }]) => {
    if (!isSealed) return [];
    const tenantOf = (row: Readonly<Record<string, unknown>>) => (owner === null ? "" : String(row[owner]));
    return {
      ...{ table, field, home },
      key: owner === "tenant_id" ? [owner, key] : [key],
      boundTo: (row) => boundTo({ tenantId: tenantOf(row), table }, field),
    };
  });
