import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Sqld } from "./sqld.ts";

/** What Turso calls a database, on a libSQL server: a namespace with a key of its own. */
export interface Namespaces {
  create(namespace: string, source?: string): Promise<void>;
  remove(namespace: string): Promise<void>;
  block(namespace: string, blocks: { block_reads: boolean; block_writes: boolean }): Promise<void>;
  /** Replaces the key, so that no token given out before works any more. */
  rotate(namespace: string): Promise<void>;
  token(namespace: string): Promise<string>;
  usage(namespace: string): Promise<{ rows_read: number; rows_written: number; storage_bytes: number }>;
}

/** Namespaces on the real server, through its admin API. Its configuration is replaced as a whole: read, then written. */
export function createNamespaces(sqld: Sqld): Namespaces {
  const keys = new Map<string, KeyObject>();

  const admin = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${sqld.adminUrl}/v1/namespaces/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`sqld answered ${response.status} to ${method} ${path}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };

  const configure = async (namespace: string, change: object) => {
    const config = await admin("GET", `${namespace}/config`);
    await admin("POST", `${namespace}/config`, { ...config, ...change });
  };

  const rotate = async (namespace: string, change: object = {}) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    await configure(namespace, { jwt_key: publicKey.export({ format: "jwk" }).x, ...change });
    keys.set(namespace, privateKey);
  };

  return {
    async create(namespace, source) {
      if (source) await admin("POST", `${source}/fork/${namespace}`);
      else await admin("POST", `${namespace}/create`, {});
      // A fork has its source's configuration too.
      await rotate(namespace, { block_reads: false, block_writes: false });
    },
    remove: (namespace) => admin("DELETE", namespace),
    block: (namespace, blocks) => configure(namespace, { ...blocks, block_reason: "blocked by configuration" }),
    rotate: (namespace) => rotate(namespace),
    token(namespace) {
      const key = keys.get(namespace);
      if (!key) throw new Error(`no key for ${namespace}`);
      return new SignJWT({ id: namespace, a: "rw" }).setProtectedHeader({ alg: "EdDSA" }).setIssuedAt().sign(key);
    },
    async usage(namespace) {
      const { rows_read_count, rows_written_count, storage_bytes_used } = await admin("GET", `${namespace}/stats`);
      return { rows_read: rows_read_count, rows_written: rows_written_count, storage_bytes: storage_bytes_used };
    },
  };
}
