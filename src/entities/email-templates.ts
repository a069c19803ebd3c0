import type { EmailTemplate, EmailTemplatesAdapter } from "@authhero/adapter-interfaces";
import { doc, text } from "./columns.ts";
import { arrayOf, crud } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

/** A tenant's own mails, by the name of the occasion. */
export const emailTemplates = entity<EmailTemplate>({
  table: "email_templates",
  key: "template",
  columns: {
    template: text(),
    body: doc(),
    from: doc(),
    subject: doc(),
    syntax: doc(),
    resultUrl: doc(),
    urlLifetimeInSeconds: doc(),
    includeEmailInRedirect: doc(),
    enabled: doc(),
  },
  defaults: () => ({ syntax: "liquid", includeEmailInRedirect: false, enabled: true }),
});

/** The `emailTemplates` adapter. A template's name is its id, also for an import. */
export function createEmailTemplates(store: Store): EmailTemplatesAdapter {
  const { create, get, update, remove } = crud(store, emailTemplates, { as: "templates" });
  return {
    get,
    update,
    remove,
    create: (tenantId, template) => create(tenantId, template),
    list: (tenantId) => arrayOf(store, emailTemplates, tenantId),
  };
}
