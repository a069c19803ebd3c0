/**
 * What kind of route a path is. Every test here errs on the strict side: case and doubled slashes make no
 * difference, although AuthHero's router would not find such a path at all.
 */

const MANAGEMENT = "/api/v2";

/** A route of the Management API. */
export const isManagement = (path: string) => isBelow(plain(path), MANAGEMENT);

/** `/tenants*`, `/operations*`, `/hosts*`: about tenants, hence the control plane's own. `/tenants/settings` is not. */
export function isControlPlaneOnly(path: string): boolean {
  const route = plain(path);
  if (route === `${MANAGEMENT}/tenants/settings`) return false;
  return ["tenants", "operations", "hosts"].some((word) => isBelow(route, `${MANAGEMENT}/${word}`));
}

/** The tenant's own e-mail provider, which has two names. */
export const isMailProvider = (path: string) =>
  [`${MANAGEMENT}/emails/provider`, `${MANAGEMENT}/email/providers`].includes(plain(path));

/** Shows or takes the tenant's e-mail provider: as itself, or as a part of all that the tenant has. */
export const isAboutMailProvider = (path: string) =>
  isMailProvider(path) || isBelow(plain(path), `${MANAGEMENT}/tenant-data`);

/** The tenant's applications, all or one, and what belongs to one. */
export const isClients = (path: string) => isBelow(plain(path), `${MANAGEMENT}/clients`);

/** Sends a mail made of a template, to try it. */
export const isMailTrial = (path: string) => /^\/api\/v2\/email-templates\/[^/]+\/try$/.test(plain(path));

/** Runs an action, to try it. */
export const isCodeTrial = (path: string) => /^\/api\/v2\/actions\/actions\/[^/]+\/test$/.test(plain(path));

/** The custom domain that a path `/api/v2/custom-domains/{id}/verify` names; else null. */
export const domainToVerify = (path: string) => VERIFY_DOMAIN.exec(path)?.[1] ?? null;

const VERIFY_DOMAIN = new RegExp(`^${MANAGEMENT}/custom-domains/([^/]+)/verify$`);

/** The parts of a path `/api/v2/tenants`, `/tenants/{id}` or `/tenants/{id}/…`, the id as it was written; else null. */
export function tenantsRoute(path: string): { readonly id: string | undefined; readonly isBelow: boolean } | null {
  if (!isBelow(plain(path), `${MANAGEMENT}/tenants`)) return null;
  const [, , , , id, ...below] = path.replace(/\/{2,}/g, "/").split("/");
  // Of the request's tenant, whichever that is.
  if (plain(path) === `${MANAGEMENT}/tenants/settings`) return null;
  return { id, isBelow: below.length > 0 };
}

/** Changes of a tenant or its team of which perhaps no operation tells; what begins as one is written down with it. */
export function changesTenant(method: string, path: string): boolean {
  if (method === "GET" || method === "OPTIONS" || plain(path) === `${MANAGEMENT}/tenants/settings`) return false;
  if (isTeamRoute(path)) return true;
  const { id, isBelow: isDeeper } = tenantsRoute(path) ?? {};
  if (id === undefined) return false;
  return isDeeper ? !OPERATIONS.some((word) => plain(path).endsWith(`/${word}`)) : method !== "DELETE";
}

const OPERATIONS = ["suspend", "reactivate", "undelete"];

/** What a tenant's team does about itself. */
export const isTeamRoute = (path: string) => isBelow(plain(path), `${MANAGEMENT}/tenant-members`);

/** What anybody may read below `/api/v2`: the OpenAPI document, nothing else. */
export const isPublicManagement = (method: string, path: string) => method === "GET" && path === `${MANAGEMENT}/spec`;

/** The login pages and their forms, classic and widget-based. */
export const isLoginPage = (path: string) => isBelow(plain(path), "/u") || isBelow(plain(path), "/u2");

/** Where a link for a new password is asked for, classic and widget-based. */
export const isForgottenPassword = (path: string) => FORGOTTEN.some((route) => isBelow(plain(path), route));

/** Where somebody signs in with the password they have. */
export const isPasswordLogin = (path: string) => PASSWORD_LOGIN.some((route) => isBelow(plain(path), route));

export const isWidgetFile = (path: string) => path.startsWith("/u/widget/");

/** Where identity providers send their visitors back to. */
export const isCallback = (path: string) => CALLBACKS.some((route) => isBelow(plain(path), route));

/** Auth0's logout, whose `returnTo` is compared loosely; the one of OpenID Connect is compared exactly. */
export const isLogout = (path: string) => isBelow(plain(path), "/v2/logout");

/** Where a client proves who it is (RFC 6749, section 2.3). */
export const isClientAuthenticated = (path: string) => path === "/oauth/token" || path === "/oauth/revoke";

/** Where a program says what it wants in the body, as a form or in JSON. */
export const isReadAsObject = (path: string) => READ_AS_OBJECT.has(plain(path));

/** Those of them that read a form; the others read JSON only. */
export const isReadAsForm = (path: string) => isClientAuthenticated(plain(path));

/** Where an application registers itself (RFC 7591). */
export const isRegistration = (path: string) => isBelow(plain(path), "/oidc/register");

/** Where tokens are issued. */
export const isTokenRequest = (path: string) => plain(path) === "/oauth/token";

/** What a person sees in a browser, as opposed to what a program calls. */
export const isPage = (path: string) =>
  PAGES.some((page) => isBelow(plain(path), page)) && !isBelow(path, "/u2/screen");

/** Discovery and keys: they answer as long as there may be a token out there to be verified. */
export const isDiscovery = (path: string) => isBelow(plain(path), "/.well-known");

/** Documents that say the same to everybody, until something about the tenant changes. */
export const isPublished = (path: string) => PUBLISHED.has(path);

/** Where a new user account is asked for. */
export const isSignUp = (path: string) => SIGN_UP.some((route) => isBelow(plain(path), route));

/** AuthHero's first-run form, open to anybody while there is no tenant. */
export const isSetup = (path: string) => isBelow(plain(path), "/setup");

const READ_AS_OBJECT: ReadonlySet<string> = new Set([
  "/oauth/token",
  "/oauth/revoke",
  "/oidc/register",
  "/dbconnections/signup",
  "/passwordless/start",
  "/co/authenticate",
]);

const PUBLISHED: ReadonlySet<string> = new Set([
  "/.well-known/openid-configuration",
  "/.well-known/oauth-authorization-server",
  "/.well-known/jwks.json",
]);

/** What a request is for, in one of a dozen words: for metrics and the log, never to decide anything by. */
export function kindOfRoute(path: string): string {
  return KINDS.find(([, isOfKind]) => isOfKind(path))?.[0] ?? "other";
}

const isOneOf =
  (...routes: readonly string[]) =>
  (path: string) =>
    routes.some((route) => isBelow(plain(path), route));

const KINDS: readonly (readonly [string, (path: string) => boolean])[] = [
  ["token", isOneOf("/oauth/token", "/oauth/revoke")],
  ["authorize", isOneOf("/authorize")],
  ["discovery", isDiscovery],
  ["userinfo", isOneOf("/userinfo")],
  ["asset", isWidgetFile],
  ["login", isLoginPage],
  ["callback", isCallback],
  ["logout", isOneOf("/v2/logout", "/oidc/logout")],
  ["tenants", isControlPlaneOnly],
  ["management", isManagement],
  ["sign_up", isOneOf("/dbconnections")],
  ["probe", isOneOf("/healthz", "/readyz")],
];

const PAGES =
  "/authorize /u /u2 /callback /login/callback /connect/start /account /v2/logout /oidc/logout /samlp /passwordless/verify_redirect".split(
    " ",
  );

const FORGOTTEN = ["/u/forgot-password", "/u2/forgot-password", "/u2/screen/forgot-password"];

const PASSWORD_LOGIN =
  "/u/login /u/enter-password /u2/login /u2/enter-password /u2/screen/login /u2/screen/enter-password /co/authenticate /oauth/token".split(
    " ",
  );

const CALLBACKS = ["/callback", "/login/callback"];

const SIGN_UP =
  "/dbconnections/signup /u/signup /u/pre-signup /u2/signup /u2/pre-signup /u2/screen/signup /u2/accept-invitation".split(
    " ",
  );

const plain = (path: string) => path.toLowerCase().replace(/\/{2,}/g, "/");
const isBelow = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);
