import { escapeHtml } from "./answer.ts";
import type { Exchange, Middleware } from "./exchange.ts";

/** A mail that was kept for a developer to read. */
export interface ShownMail {
  readonly id: string;
  readonly tenantId: string;
  /** ISO 8601. */
  readonly at: string;
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly code: string | null;
  readonly links: readonly string[];
}

/** Lists kept mails, newest first: a tenant's, or everybody's. */
export type ListMails = (tenantId?: string) => readonly ShownMail[];

const PATH = "/dev/mailbox";

/**
 * The development mailbox: on a tenant's host the tenant's mails, on the control plane's everybody's, as a page or,
 * with `Accept: application/json`, as data. There is none unless the deployment keeps mail, and then it is localhost.
 */
export function mailbox(list: ListMails | null, controlPlaneTenantId: string): Middleware {
  return async (c, next) => {
    if (list === null || c.get("draft").path !== PATH) return await next();
    const { tenantId } = c.get("host");
    const mails = tenantId === controlPlaneTenantId ? list() : list(tenantId);
    const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
    return wantsJson(c) ? Response.json({ mails }, { headers }) : page(mails, headers);
  };
}

const wantsJson = (c: Exchange) => (c.req.header("accept") ?? "").includes("application/json");

function page(mails: readonly ShownMail[], headers: Readonly<Record<string, string>>): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.5rem; color: #1e293b }
  article { border-top: 1px solid #e2e8f0; padding: 1rem 0 } h1, h2 { margin: 0 0 .25rem } h2 { font-size: 1.1rem }
  p { margin: .25rem 0; overflow-wrap: anywhere } small { color: #64748b } code { font-size: 1.5rem; letter-spacing: .1em }
</style>
<h1>Mailbox</h1>
<p><small>Mail that this development server would have sent. It is kept in memory, the last hundred. Reload for more.</small></p>
${mails.map(article).join("\n") || "<p>No mail yet.</p>"}
</html>
`;
  const csp = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
  return new Response(html, {
    headers: { ...headers, "content-type": "text/html; charset=utf-8", "content-security-policy": csp },
  });
}

function article({ subject, to, from, at, tenantId, code, links }: ShownMail): string {
  return `<article>
<h2>${escapeHtml(subject)}</h2>
<p><small>${escapeHtml(at)} · tenant ${escapeHtml(tenantId)} · from ${escapeHtml(from)}</small></p>
<p>To ${escapeHtml(to)}</p>
${code === null ? "" : `<p><code>${escapeHtml(code)}</code></p>`}
${links.map((link) => `<p><a href="${escapeHtml(link)}" rel="noreferrer">${escapeHtml(link)}</a></p>`).join("\n")}
</article>`;
}
