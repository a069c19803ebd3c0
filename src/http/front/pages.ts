import { contentSecurityPolicy } from "./content-security-policy.ts";
import { type Exchange, type Middleware, type PageSources, replaceResponse } from "./exchange.ts";
import { cleanCss, cleanHtml, cleanText } from "./foreign-hosts.ts";
import { isLoginPage } from "./routes.ts";
import { withWidget } from "./widget-element.ts";

/**
 * Makes AuthHero's pages safe to show: no request to a foreign host, a strict Content-Security-Policy, and no script
 * of a caller's in the answer page of `response_mode=web_message`.
 */
export function pages(sources: PageSources): Middleware {
  return async (c, next) => {
    await next();
    const type = c.res.headers.get("content-type") ?? "";
    if (type.startsWith("text/html")) return showPage(c, sources);
    if (!isLoginPage(c.get("draft").path)) return;
    if (type.startsWith("text/css")) return rewrite(c, cleanCss);
    if (type.startsWith("application/json")) return rewrite(c, cleanText);
  };
}

async function showPage(c: Exchange, sources: PageSources): Promise<void> {
  const isAuthorization = c.get("draft").path.startsWith("/authorize");
  const text = await c.res.clone().text();
  const html = isAuthorization
    ? withoutForeignScript(cleanHtml(text))
    : withWidget(cleanHtml(text), c.get("draft").url.searchParams.get("state") ?? "");
  const answer = isAuthorization ? answerOf(html) : NO_ANSWER;
  const [formTargets, assets] = await sourcesFor(c, sources);
  const policy = contentSecurityPolicy({
    formTargets: [...formTargets, ...answer.formTargets],
    assets,
    framedBy: answer.framedBy,
    inlineScript: LAST_SCRIPT.exec(html)?.[1] ?? null,
  });
  const response = withBody(c.res, html);
  response.headers.set("content-security-policy", policy);
  if (answer.framedBy === null) response.headers.set("x-frame-options", "DENY");
  response.headers.set("x-content-type-options", "nosniff");
  // The state in the address is a secret to other sites. `no-referrer` would turn the `Origin` of our forms to null.
  response.headers.set("referrer-policy", "same-origin");
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  replaceResponse(c, response);
}

async function rewrite(c: Exchange, clean: (text: string) => string): Promise<void> {
  replaceResponse(c, withBody(c.res, clean(await c.res.clone().text())));
}

function withBody(response: Response, body: string): Response {
  const changed = new Response(body, response);
  changed.headers.delete("content-length");
  return changed;
}

// AuthHero's state is a nanoid, ours a tag and a ULID; anything longer is somebody's experiment.
const STATE_CHARACTERS_MAX = 256;

function sourcesFor(c: Exchange, sources: PageSources) {
  const { url, path } = c.get("draft");
  const { tenantId } = c.get("target");
  const state = url.searchParams.get("state") ?? "";
  const isLogin = isLoginPage(path) && state !== "" && state.length <= STATE_CHARACTERS_MAX;
  return Promise.all([isLogin ? sources.formTargets(tenantId, state) : [], sources.assets(tenantId)]);
}

/** AuthHero's own inline script closes the body. One that was smuggled in earlier gets no hash, hence does not run. */
const LAST_SCRIPT =
  /<script(?: type="text\/javascript")?>((?:(?!<\/?script)[\s\S])*)<\/script>\s*<\/body>\s*<\/html>\s*$/i;

/** What the answer of an authorization request leads to; its page has no login session to ask. */
interface AuthorizationAnswer {
  readonly formTargets: readonly string[];
  readonly framedBy: string | null;
}

const NO_ANSWER: AuthorizationAnswer = { formTargets: [], framedBy: null };

/** `form_post` posts to the application, `web_message` is shown in a frame of it. Both name it before any value of the caller's. */
function answerOf(html: string): AuthorizationAnswer {
  const action = /^[\s\S]*?<form id="formpost" method="post" action="([^"]*)"/.exec(html)?.[1];
  const framedBy = /^[\s\S]*?<script type="text\/javascript">[\s\S]*?var targetOrigin = "([^"]*)"/.exec(html)?.[1];
  return {
    formTargets: action === undefined ? [] : [action.replaceAll("&amp;", "&")],
    framedBy: framedBy !== undefined && URL.canParse(framedBy) ? framedBy : null,
  };
}

/**
 * AuthHero writes the caller's `state` into the `web_message` script as it came, so that `</script>` in it would end
 * the script and begin the caller's. Between the first opening and the last closing tag there is one script by right;
 * the caller's values stand in string literals, where the escape means the same.
 */
function withoutForeignScript(html: string): string {
  return html.replace(
    /(<script type="text\/javascript">)([\s\S]*)(<\/script>)/i,
    (_, open: string, body: string, close: string) => open + body.replace(/<(?=\/?script|!--)/gi, "\\u003c") + close,
  );
}
