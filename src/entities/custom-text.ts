import type { CustomText, CustomTextAdapter, PromptScreen } from "@authhero/adapter-interfaces";
import { doc, text } from "./columns.ts";
import { arrayOf, deleteFrom, insertRow, newRow, rowsOf } from "./crud.ts";
import { decodeRow, entity, placeOf, storedColumns } from "./entity.ts";
import type { Store } from "./store.ts";

interface Stored {
  readonly prompt: PromptScreen;
  readonly language: string;
  readonly texts: CustomText;
}

/** A tenant's own wording of the login pages, by page and language. */
export const customText = entity<Stored>({
  table: "custom_text",
  key: "prompt",
  columns: { prompt: text(), language: text(), texts: doc() },
  order: [
    ["prompt", "asc"],
    ["language", "asc"],
  ],
});

/** The `customText` adapter. `set` replaces what there was as a whole; an empty object is a value. */
export function createCustomText(store: Store): CustomTextAdapter {
  return {
    async get(tenantId, prompt, language) {
      const row = await rowsOf(store, customText, tenantId)
        .select(storedColumns(customText))
        .where("prompt", "=", prompt)
        .where("language", "=", language)
        .executeTakeFirst();
      return row ? decodeRow<Stored>(customText, row, placeOf(customText, tenantId, store.keyRing)).texts : null;
    },

    async set(tenantId, prompt, language, texts) {
      await insertRow(store, customText, newRow(store, customText, tenantId, { prompt, language, texts }))
        .onConflict((conflict) =>
          conflict
            .columns(["tenant_id", "prompt", "language"])
            .doUpdateSet(({ ref }) => ({ doc: ref("excluded.doc") })),
        )
        .execute();
    },

    async delete(tenantId, prompt, language) {
      await deleteFrom(store, customText.table, tenantId, "prompt", prompt).where("language", "=", language).execute();
    },

    async list(tenantId) {
      const stored = await arrayOf(store, customText, tenantId);
      return stored.map(({ prompt, language }) => ({ prompt, language }));
    },
  };
}
