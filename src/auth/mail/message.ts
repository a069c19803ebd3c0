import type { EmailServiceAdapter } from "@authhero/adapter-interfaces";

/** What AuthHero asks to have sent. */
export type Mail = Parameters<EmailServiceAdapter["send"]>[0];

/** The part of it that travels. */
export interface Message {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly html?: string;
  readonly text?: string;
}

/** A mail as it goes to its reader. */
export const messageOf = ({ from, to, subject, html, text }: Mail): Message => ({
  from,
  to,
  subject,
  ...(html !== undefined && { html }),
  ...(text !== undefined && { text }),
});
