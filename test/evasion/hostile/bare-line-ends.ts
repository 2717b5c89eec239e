/**
 * Line ends that are none on the wire. No Postfix hands them over and our listener refuses them
 * (RFC 5321 §2.3.8), but a file or a quarantined message may hold them.
 */
import { base64, base64Lines } from '../codecs.ts';
import { crlf } from '../message.ts';
import { type EncodingTrick, plainStructure, type StructureTrick } from '../trick.ts';

const family = 'bare LF';

const encodings: Readonly<Record<string, EncodingTrick['encode']>> = {
  'in base64': ({ bytes }) => ({
    fields: ['Content-Transfer-Encoding: base64'],
    body: `${base64Lines(bytes, 30).join('\n')}${crlf}`,
  }),
  'before the encoding field': ({ bytes }) => ({
    fields: ['X-Note: x\nContent-Transfer-Encoding: base64'],
    body: base64(bytes),
  }),
  'for the empty line': ({ bytes }) => ({
    fields: ['Content-Transfer-Encoding: base64'],
    end: '\n',
    body: base64(bytes),
  }),
  'within the encoding field': ({ bytes }) => ({
    fields: ['Content-Transfer-Encoding:\n base64'],
    body: base64(bytes),
  }),
};

const structures: Readonly<Record<string, StructureTrick['build']>> = {
  'all over the body': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(crlf, '\n') };
  },
  'before the delimiters': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`${crlf}--`, '\n--') };
  },
  'behind the delimiters': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`${parts.mark}${crlf}`, `${parts.mark}\n`) };
  },
  'CR for some, LF for others': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`${crlf}--`, '\n\r--') };
  },
};

export const bareLineEndTricks: readonly (EncodingTrick | StructureTrick)[] = [
  ...Object.entries(encodings).map(([name, encode]): EncodingTrick => ({
    side: 'encoding',
    family,
    name,
    bareLf: true,
    encode,
  })),
  ...Object.entries(structures).map(([name, build]): StructureTrick => ({
    side: 'structure',
    family,
    name,
    bareLf: true,
    build,
  })),
];
