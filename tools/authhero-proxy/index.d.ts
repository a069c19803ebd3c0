// A stand-in for types only. The registry this project installs from lacks @authhero/proxy;
// authhero's bundle contains its code and only its declaration file names these types.
// Delete this folder and the "overrides" in package.json once the real package can be installed.
export interface ResolvedHost {
  readonly host: string;
  readonly tenant_id: string;
}
export interface KvNamespaceWriter {
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
}
export type ServiceBindingFetcher = { fetch: typeof fetch };
export declare const PROXY_RESOLVE_HOST_SCOPE: string;
export declare function createServiceBindingFetch(bindings: Record<string, ServiceBindingFetcher>): typeof fetch;
