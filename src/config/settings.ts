import * as z from "zod";
import {
  isDatabaseUrl,
  isKeyRing,
  isSmtpUrl,
  isTursoUrl,
  printable,
  serverUrl,
  toCallbacks,
  toDomain,
  toListening,
  toNameServers,
  toNetworks,
  toOrigin,
  toTursoNames,
  tursoName,
  wholeNumber,
} from "./values.ts";

/**
 * Every setting of the service, under the name of its variable, in the chapters of `.env.example` and
 * docs/configuration.md, which are made of this. All have a default or may be absent; what follows from other settings is
 * filled in by `src/config.ts`.
 */

const DOOR = {
  // Not 0: the issuer, which tokens carry, names the port.
  PORT: wholeNumber(1, 65_535, 3000).describe("The TCP port to listen on."),
  HOST: z
    .string()
    .regex(/^[\w.:%-]+$/, "must be an address or a host name")
    .default("127.0.0.1")
    .describe("The address to listen on. 0.0.0.0 or :: for every interface, behind a proxy that speaks https."),
  ISSUER: z
    .string()
    .transform(toOrigin)
    .optional()
    .describe(
      "The public origin of the control plane, http or https, without a path. Tenants share its scheme and port. Tokens carry it, so it must be what browsers really use. Default: http://localhost:PORT/",
    ),
  BASE_DOMAIN: z
    .string()
    .transform(toDomain)
    .optional()
    .describe(
      "Tenants live at {tenant}.BASE_DOMAIN. Needs a wildcard DNS record in production; browsers send every name below localhost to this machine by themselves. Default: the host name of ISSUER.",
    ),
  TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform(toNetworks)
    .describe(
      "Reverse proxies whose x-forwarded-* headers are believed: IP addresses and networks, with commas between them, like 127.0.0.1,10.0.0.0/8. Default: none, the headers are ignored. See docs/hosts.md.",
    ),
  DNS_SERVERS: z
    .string()
    .default("")
    .transform(toNameServers)
    .describe(
      "Name servers, IP addresses with commas between them (a port may follow: 127.0.0.1:5353, [::1]:5353), that are asked for the records which prove custom domains: public ones where the machine's own see an inside view of DNS. Default: the machine's.",
    ),
};

const HOUSE = {
  CONTROL_PLANE_TENANT_ID: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{1,62}$/, "must be 2–63 of a-z, 0-9, _ and -, starting with a letter")
    .default("control_plane")
    .describe(
      "The id of the tenant whose users are the administrators. It is stored at the first start: do not change it later.",
    ),
  CONTROL_PLANE_DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl, "must be a libsql, https or http URL without user name, query or fragment")
    .optional()
    .describe(
      "The control plane's database on a libSQL server or Turso (libsql://…, https://…, or http://… in a private network), so that processes on several machines share it. ENCRYPTION_KEY is needed then, the same in all of them. Default: a file in DATA_DIR, which processes of one machine may share. See docs/providers.md.",
    ),
  CONTROL_PLANE_DATABASE_TOKEN: printable().optional().describe("What that server wants to see."),
  PROVIDER: z
    .enum(["file", "turso", "libsql-server"], "must be file, turso or libsql-server")
    .default("file")
    .describe(
      "Where databases of new tenants live: file (libSQL files in DATA_DIR), turso (Turso Cloud) or libsql-server (namespaces on a libSQL server of one's own). See docs/providers.md.",
    ),
  DATA_DIR: z
    .string()
    .default("./data")
    .describe("The directory of all databases on files, of the generated encryption key and of first-login.txt."),
  TURSO_ORGANIZATION: tursoName()
    .optional()
    .describe(
      "Turso Cloud: the organization's slug. Goes with TURSO_API_TOKEN, both or none. See docs/providers-turso.md.",
    ),
  TURSO_API_TOKEN: printable()
    .optional()
    .describe("A token for Turso's Platform API, best one that is limited to the group."),
  TURSO_GROUP: tursoName().default("default").describe("The group in which databases are made. It must exist."),
  TURSO_GROUPS: z
    .string()
    .default("")
    .transform(toTursoNames)
    .describe(
      "Further groups that POST /tenants may put a tenant in, with commas between them. They must exist. Default: none.",
    ),
  TURSO_API_URL: z
    .string()
    .refine(isTursoUrl, "must be an https URL without user name, query or fragment")
    .default("https://api.turso.tech/v1/")
    .describe("Where Turso's Platform API is."),
  LIBSQL_SERVER_URL: serverUrl()
    .optional()
    .describe(
      "A libSQL server of one's own: where it takes statements; plain http is for a private network. Goes with the next two, all three or none.",
    ),
  LIBSQL_SERVER_ADMIN_URL: serverUrl()
    .optional()
    .describe(
      "Where it makes namespaces: its --admin-listen-addr. It has no encryption: keep it in a private network.",
    ),
  LIBSQL_SERVER_ADMIN_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{32,}$/, "must be at least 32 printable characters without spaces")
    .optional()
    .describe("Its --admin-auth-key, at least 32 characters."),
  ENCRYPTION_KEY: z
    .string()
    .refine(
      isKeyRing,
      "must be a 32-byte key in base64 or hex, or several with commas between them, each as key or id:key",
    )
    .optional()
    .describe(
      "Seals secrets at rest: 32 bytes in base64 or hex, as `openssl rand -base64 32` prints. Several with commas between them, the current one first. Whoever loses the key loses the secrets. Default: a key is generated at the first start and kept in DATA_DIR. Needed as soon as any database is not a file: with PROVIDER=turso or libsql-server, with any setting of either, and with CONTROL_PLANE_DATABASE_URL; to go on with a generated key, ENCRYPTION_KEY_FILE=./data/encryption.key.",
    ),
  WORKERS: wholeNumber(1, 64, 1).describe(
    "How many processes serve, behind one port, over the same data: one for each core. See docs/providers.md#several-processes.",
  ),
  POOL_MAX_OPEN: wholeNumber(1, 10_000, 200).describe(
    "How many tenant databases may be open at the same time, in all workers together. One on a file holds up to six descriptors.",
  ),
  POOL_IDLE_MS: wholeNumber(0, 86_400_000, 60_000).describe(
    "Milliseconds after which a tenant database that nobody uses is closed.",
  ),
  UNDELETE_DAYS: wholeNumber(0, 365, 7).describe(
    "Days during which a deleted tenant can be brought back, 0 to 365; then it is purged. 0: deleted is deleted.",
  ),
};

const MAIL = {
  SMTP_URL: z
    .string()
    .refine(isSmtpUrl, "must be like smtp://user:password@mail.example.com:587")
    .optional()
    .describe(
      "A mail server for tenants without an e-mail provider of their own, when the control plane has none either: smtp://user:password@mail.example.com:587, or smtps:// with TLS from the beginning (465). Default: none.",
    ),
  SMTP_FROM: z
    .email("must be an e-mail address")
    .optional()
    .describe("Whom mail comes from where the e-mail provider does not say. Default: no-reply@BASE_DOMAIN."),
  DEV_MAILBOX: z
    .enum(["0", "1"], "must be 1 or 0")
    .default("0")
    .transform((value) => value === "1")
    .describe(
      "1: for development, keep all mail in memory and show it at /dev/mailbox instead of sending it. Only with an ISSUER on localhost, because whoever opens that page reads everybody's codes.",
    ),
};

const CONSOLE = {
  CONSOLE_CALLBACKS: z
    .string()
    .default("")
    .transform(toCallbacks)
    .describe(
      "Where the application lives in which people administer tenants: the redirect URIs of the client rowhouse-console on the control plane, with commas between them. Its origins follow from them, and may call every tenant's management API. Blank: they stay as they are.",
    ),
};

const WATCH = {
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error"], "must be debug, info, warn or error")
    .default("info")
    .describe(
      "The least important entries to write, as JSON lines on the standard output: debug (with a line for each request), info, warn or error.",
    ),
  METRICS: z
    .string()
    .transform(toListening)
    .optional()
    .describe(
      "Where metrics are served, at /metrics, in the format of Prometheus: a port, on loopback, or an address with one, like 10.0.0.5:9464 or [::]:9464. Whoever reaches it reads them. Default: nowhere. See docs/observability.md.",
    ),
  TRACES: z
    .enum(["0", "1"], "must be 1 or 0")
    .default("0")
    .transform((value) => value === "1")
    .describe(
      "1: makes spans for OpenTelemetry of requests, trips to databases and operations. They go where the SDK sends them that you register with Node's --import. See docs/observability.md#traces.",
    ),
};

/**
 * Which settings stand together, under which heading.
 *
 * @internal for the documents that are made of them
 */
export const CHAPTERS = {
  "The door": DOOR,
  "The house": HOUSE,
  Mail: MAIL,
  "The console": CONSOLE,
  "Watching it": WATCH,
} as const;

export const Environment = z.object({ ...DOOR, ...HOUSE, ...MAIL, ...CONSOLE, ...WATCH });
