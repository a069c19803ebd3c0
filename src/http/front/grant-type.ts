import { objectIn } from "../../domain/json.ts";
import type { Draft } from "./exchange.ts";

/** The `grant_type` of a request for a token whose body has been read; undefined when it names none. */
export function grantTypeOf({ body = "", headers }: Draft): string | undefined {
  const isJson = /\bjson\b/i.test(headers.get("content-type") ?? "");
  const sent = isJson ? objectIn(body)?.grant_type : new URLSearchParams(body).get("grant_type");
  return typeof sent === "string" && sent !== "" ? sent : undefined;
}
