import type { Clock } from "../../domain/clock.ts";
import { timeId } from "../../domain/ids.ts";
import type { Message } from "./message.ts";

/** A mail that was kept instead of sent. */
export interface KeptMail extends Message {
  readonly id: string;
  readonly tenantId: string;
  /** ISO 8601. */
  readonly at: string;
  /** What AuthHero calls this kind of mail. */
  readonly template: string;
  /** The one-time code in it, if there is one. */
  readonly code: string | null;
  /** The links in it, without those to pictures. */
  readonly links: readonly string[];
}

/** Enough to try things with; it all lies in memory. */
const MAILS_MAX = 100;

/** For development: keeps mails in memory where anybody can read them, instead of sending them. */
export function createMailbox(clock: Clock) {
  const mails: KeptMail[] = [];

  return {
    keep(tenantId: string, message: Message, template: string, data: Readonly<Record<string, string>>): void {
      const now = clock();
      const code = data.code ?? null;
      const links = linksIn(`${message.html ?? ""} ${message.text ?? ""}`);
      mails.unshift({ ...message, id: timeId(now), tenantId, at: now.toISOString(), template, code, links });
      mails.length = Math.min(mails.length, MAILS_MAX);
    },

    /** The mails of a tenant, or of all, newest first. */
    list: (tenantId?: string): readonly KeptMail[] =>
      tenantId === undefined ? [...mails] : mails.filter((mail) => mail.tenantId === tenantId),
  };
}

export type Mailbox = ReturnType<typeof createMailbox>;

function linksIn(text: string): string[] {
  const hrefs = Array.from(text.matchAll(/href="(https?:[^"]+)"/g), ([, href = ""]) => href.replaceAll("&amp;", "&"));
  const plain = Array.from(text.replaceAll(/<[^>]*>/g, " ").matchAll(/https?:\/\/[^\s<>"]+/g), ([link]) => link);
  return [...new Set([...hrefs, ...plain])];
}
