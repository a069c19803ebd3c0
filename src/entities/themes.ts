import type { Theme, ThemeInsert, ThemesAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { plainId } from "../domain/ids.ts";
import { doc, text } from "./columns.ts";
import { crud } from "./crud.ts";
import { encodePatch, entity, placeOf } from "./entity.ts";
import type { Store } from "./store.ts";

/** Colours, fonts, borders and the page behind the login. AuthHero asks for the theme `default`. */
export const themes = entity<Theme, ThemeInsert & { themeId?: string | undefined }>({
  table: "themes",
  key: "themeId",
  columns: {
    themeId: text(),
    displayName: doc(),
    borders: doc(),
    colors: doc(),
    fonts: doc(),
    page_background: doc(),
    widget: doc(),
  },
  defaults: () => ({ themeId: plainId() }),
});

/** The `themes` adapter. `update` merges into the groups: what it does not name stays, null clears. */
export function createThemes(store: Store): ThemesAdapter {
  const { create, get, remove } = crud(store, themes, { as: "themes" });
  return {
    get,
    remove,
    create: (tenantId, theme, themeId, options) => create(tenantId, { ...theme, ...(themeId && { themeId }) }, options),

    async update(tenantId, themeId: string, theme) {
      const { themeId: _id, ...patch }: Partial<Theme> = theme as Partial<Theme>;
      // Only for its refusal of fields that a theme does not have.
      encodePatch(themes, patch, placeOf(themes, tenantId, store.keyRing));
      const { numUpdatedRows } = await store.db
        .updateTable(themes.table)
        .set({ doc: sql`json_patch(doc, ${JSON.stringify(patch)})` })
        .where("tenant_id", "=", tenantId)
        .where("themeId", "=", themeId)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}
