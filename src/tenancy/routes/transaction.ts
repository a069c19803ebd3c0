import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import type { Router } from "../router.ts";

/**
 * A transaction that learns whose it is from the first tenant named inside; a second tenant is an error, because no
 * transaction spans two databases. One in which nobody is named touches none.
 */
export const routeTransaction =
  (router: Router, adaptersOver: (router: Router) => DataAdapters): DataAdapters["transaction"] =>
  async (work) => {
    const bound = lazily(router);
    const inside: Router = { ...router, on: bound.on, onControlPlane: bound.onControlPlane };
    const adapters: DataAdapters = { ...adaptersOver(inside), transaction: (nested) => nested(adapters) };
    try {
      const result = await work(adapters);
      await bound.commit();
      return result;
    } catch (error) {
      await bound.rollback(error);
      throw error;
    }
  };

/** An open transaction on one tenant's database, and how to end it. */
interface Open {
  readonly tenantId: string;
  readonly adapters: Promise<DataAdapters>;
  readonly ended: Promise<void>;
  end(error?: unknown): void;
}

function lazily(router: Router) {
  let open: Open | undefined;

  const on: Router["on"] = async (tenantId, call) => {
    if (!tenantId) throw new PlatformError("invalid", "tenant_missing", "This call names no tenant");
    open ??= begin(router, tenantId);
    if (open.tenantId === tenantId) return call(await open.adapters);
    throw new PlatformError("internal", "transaction_spans_tenants", "A transaction named a second tenant");
  };

  return {
    on,
    // The control plane's own transaction holds its writer; another database's leaves it free.
    onControlPlane: ((call) =>
      open?.tenantId === router.controlPlaneTenantId
        ? on(router.controlPlaneTenantId, call)
        : router.onControlPlane(call)) satisfies Router["onControlPlane"],
    async commit() {
      open?.end();
      await open?.ended;
    },
    async rollback(error: unknown) {
      open?.end(error ?? new Error("rolled back"));
      // It ends with the error that is being thrown already.
      await open?.ended.catch(() => undefined);
    },
  };
}

/** Begins now and stays open until `end`: the adapter's callback waits for it. */
function begin(router: Router, tenantId: string): Open {
  const { promise: finished, resolve, reject } = deferred<void>();
  const opened = deferred<DataAdapters>();
  const ended = router.on(tenantId, ({ transaction }) =>
    transaction((inside) => {
      opened.resolve(inside);
      return finished;
    }),
  );
  // When it cannot begin, whoever waits for its adapters hears why; the other two may have nobody listening.
  ended.catch(opened.reject);
  opened.promise.catch(() => undefined);
  finished.catch(() => undefined);
  return { tenantId, adapters: opened.promise, ended, end: (error) => (error ? reject(error) : resolve()) };
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
