/**
 * A trick spoils one side of a message and leaves the others alone, so that any two of different
 * sides can be combined: how a part is encoded, how its type is told, how the message holds its
 * parts. A trick of the whole message is none of these and stands alone.
 */
import { base64 } from './codecs.ts';
import { crlf, entityText, type Entity, type Particulars } from './message.ts';
import type { Payload, PayloadKind } from './payloads.ts';

/** Fields and body of the attachment, less its type. */
export type Encoded = Entity;

export interface Parts {
  readonly text: Entity;
  readonly attachment: Entity;
  /** Unique to the message; a boundary may be made of it. */
  readonly mark: string;
}

interface About {
  readonly family: string;
  readonly name: string;
  /** Of these only; else of all. */
  readonly payloads?: readonly PayloadKind[];
  readonly bareLf?: true;
  /** Who finds the payload although no decoder at hand shows it, and where that can be read. */
  readonly argued?: string;
}

export interface EncodingTrick extends About {
  readonly side: 'encoding';
  encode(payload: Payload, about: Particulars): Encoded;
}

export interface TypeTrick extends About {
  readonly side: 'type';
  fields(payload: Payload): readonly string[];
}

export interface StructureTrick extends About {
  readonly side: 'structure';
  build(parts: Parts): Entity;
}

export interface WholeTrick extends About {
  readonly side: 'whole';
  build(payload: Payload, about: Particulars): Entity;
}

/** @param mark unique to the message. */
export type Build = (payload: Payload, mark: string) => Entity;

/** By name, under their family; and, where no decoder at hand shows it, who finds the payload. */
export type Family = readonly [
  name: string,
  builds: Readonly<Record<string, Build>>,
  argued?: string,
];

/** With EICAR as it is: other payloads are not what these are about. */
export function eicarTricks(families: readonly Family[]): readonly WholeTrick[] {
  return families.flatMap(([family, builds, argued]) =>
    Object.entries(builds).map(([name, build]) => ({
      side: 'whole' as const,
      family,
      name,
      payloads: ['eicar'] as const,
      ...(argued !== undefined && { argued }),
      build: (payload: Payload, { mark }: Particulars) => build(payload, mark),
    })),
  );
}

export type Trick = EncodingTrick | TypeTrick | StructureTrick | WholeTrick;

export const plainEncoding: Pick<EncodingTrick, 'encode'> = {
  encode: ({ bytes }) => ({
    fields: ['Content-Transfer-Encoding: base64'],
    body: base64(bytes),
  }),
};

export const plainType: Pick<TypeTrick, 'fields'> = {
  fields: ({ contentType, filename }) => [
    `Content-Type: ${contentType}; name="${filename}"`,
    `Content-Disposition: attachment; filename="${filename}"`,
  ],
};

export const plainStructure: Pick<StructureTrick, 'build'> = {
  build: ({ text, attachment, mark }) => multipart(mark, [text, attachment]),
};

export function textPart(about: Particulars): Entity {
  const greeting = about.one(['Dear Ben', 'Hello', 'Good morning', 'Hi Ben']);
  const errand = about.one(['the invoice', 'the papers', 'what you asked for', 'our offer']);
  return {
    fields: ['Content-Type: text/plain; charset=us-ascii'],
    body: `${greeting},${crlf}${crlf}please find attached ${errand}.${crlf}`,
  };
}

export const mimeVersion = 'MIME-Version: 1.0';

export function multipart(
  boundary: string,
  parts: readonly Entity[],
  type = 'multipart/mixed',
): Entity {
  return {
    fields: [mimeVersion, `Content-Type: ${type}; boundary="${boundary}"`],
    body: delimited(boundary, parts.map(entityText)),
  };
}

/** RFC 2046 §5.1.1. */
export function delimited(boundary: string, parts: readonly string[]): string {
  const opened = parts.map((part) => `--${boundary}${crlf}${part}${crlf}`);
  return `${opened.join('')}--${boundary}--${crlf}`;
}
