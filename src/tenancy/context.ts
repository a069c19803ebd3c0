import { AsyncLocalStorage } from "node:async_hooks";
import type { PlatformError } from "../domain/errors.ts";

/** Who calls a management route: what the guard made of a verified token. */
export interface Actor {
  /** The tenant whose key signed the token. Claims are the tenant's word; the key is the fact. */
  readonly tenantId: string;
  readonly subject: string;
  /** The application that the token was issued to, as the token says. */
  readonly clientId?: string | undefined;
  /** `org_id` of an org-scoped token. */
  readonly organizationId: string | undefined;
  /** The one tenant an org-scoped token of the control plane is for. Undefined when it is for none any more. */
  readonly organizationTenantId?: string | undefined;
  /** `permissions` and `scope` together. */
  readonly scopes: ReadonlySet<string>;
}

/** What is known about the request in hand, for everything that runs below it, background work included. */
export interface RequestContext {
  readonly requestId: string;
  /** The tenant the request acts on. */
  readonly tenantId: string;
  /** The canonical origin of that tenant, never what the request claimed. */
  readonly origin: URL;
  /** On `PATCH` of one entity: the top-level keys its body had. Fields that are not among them stay as they are. */
  readonly patchKeys?: ReadonlySet<string>;
  readonly actor?: Actor;
  /** Where the request came from. */
  readonly address?: string;
  /** The request is about the tenant's e-mail provider itself, not about mail that is to be sent. */
  readonly asksForMailProvider?: boolean;
  /** A token is asked for. */
  readonly asksForToken?: boolean;
  /** On a login page: the login it is part of. */
  readonly loginState?: string;
  /** What the request is about to do with a password: compare it, or mail a link to choose another. */
  readonly password?: "checked" | "forgotten";
  /** A link for a new password was asked for, and there is nobody who may get it: no mail is sent. */
  isForNobody?: boolean;
  /** On a shared host: the tenant that a state or login session turned out to belong to. */
  learntTenantId?: string;
  /** The last failure of an adapter: AuthHero hides it behind a 500, the front puts it back. */
  failure?: PlatformError;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `work` and all it starts with `context` as the current one. */
export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** The context of the request in hand; `undefined` outside of any, in jobs and commands. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** Keeps an adapter's failure for the front, which answers it in place of AuthHero's 500. Outside a request it does nothing. */
export function rememberFailure(failure: PlatformError): void {
  const context = storage.getStore();
  if (context) context.failure = failure;
}
