/**
 * The hostile messages: each trick with its payloads, and tricks combined two by two. A candidate
 * becomes part of the set when somebody is known to find the payload in it: a decoder that did
 * (witnesses.json, written by verify.ts), or a source that says so.
 */
import { Random, seedFor } from '../chaos/random.ts';
import { base64BodyTricks } from './hostile/base64-bodies.ts';
import { bareLineEndTricks } from './hostile/bare-line-ends.ts';
import { boundaryFieldTricks } from './hostile/boundary-fields.ts';
import { disagreementTricks } from './hostile/disagreements.ts';
import { delimiterTricks } from './hostile/delimiters.ts';
import { headerEndTricks } from './hostile/header-ends.ts';
import { laxReaderTricks } from './hostile/lax-readers.ts';
import { searchFindingTricks } from './hostile/search-findings.ts';
import { nestingTricks } from './hostile/nesting.ts';
import { oldEncodingTricks } from './hostile/old-encodings.ts';
import { otherWrappingTricks } from './hostile/other-wrappings.ts';
import { quotedPrintableTricks } from './hostile/quoted-printable-bodies.ts';
import { transferEncodingFieldTricks } from './hostile/transfer-encoding-field.ts';
import { typeFieldTricks } from './hostile/type-fields.ts';
import { entityText, Particulars, type Entity, type Specimen } from './message.ts';
import { type Payload, type PayloadKind, payloadKinds, payloads } from './payloads.ts';
import {
  type EncodingTrick,
  plainEncoding,
  plainStructure,
  plainType,
  type StructureTrick,
  textPart,
  type Trick,
  type TypeTrick,
} from './trick.ts';
import { witnessesOf } from './witnesses.ts';

export interface Candidate extends Specimen {
  readonly payload: Payload;
  readonly argued?: string;
}

export interface HostileMessage extends Candidate {
  /** Decoders that found the payload; empty when it is argued only. */
  readonly verifiedBy: readonly string[];
}

const tricks: readonly Trick[] = [
  ...transferEncodingFieldTricks,
  ...base64BodyTricks,
  ...quotedPrintableTricks,
  ...oldEncodingTricks,
  ...boundaryFieldTricks,
  ...delimiterTricks,
  ...headerEndTricks,
  ...nestingTricks,
  ...typeFieldTricks,
  ...otherWrappingTricks,
  ...bareLineEndTricks,
  ...disagreementTricks,
  ...laxReaderTricks,
  ...searchFindingTricks,
];

/** Changes every choice; witnesses.json goes with it. */
const seed = 4;
const combinationCount = 700;

/** One or more tricks of different sides. */
interface Sides {
  readonly encoding?: EncodingTrick;
  readonly type?: TypeTrick;
  readonly structure?: StructureTrick;
}

export function candidates(): readonly Candidate[] {
  return [...singles(), ...combinations()];
}

/** All that somebody is known to find. */
export function hostileMessages(): readonly HostileMessage[] {
  return candidates()
    .map((candidate) => ({ ...candidate, verifiedBy: witnessesOf(candidate) }))
    .filter(({ verifiedBy, argued }) => verifiedBy.length > 0 || argued !== undefined);
}

/** EICAR as it is, and one more payload, in turn. */
function singles(): Candidate[] {
  return tricks.flatMap((trick, at) => {
    const allowed = trick.payloads ?? payloadKinds;
    const other = allowed[1 + (at % Math.max(1, allowed.length - 1))];
    const kinds: readonly PayloadKind[] = other === undefined ? ['eicar'] : ['eicar', other];
    return kinds.map((kind) => single(trick, payloads[kind]));
  });
}

function single(trick: Trick, payload: Payload): Candidate {
  const name = `${trick.family}/${trick.name}/${payload.kind}`;
  const about = new Particulars(seed, name);
  const entity =
    trick.side === 'whole'
      ? trick.build(payload, about)
      : assembled({ [trick.side]: trick }, payload, about);
  return candidate(entity, [trick], { name, family: trick.family, payload, about });
}

function combinations(): Candidate[] {
  const random = new Random(seedFor(seed, 'combinations'));
  const combinable = tricks.filter(({ payloads: only }) => only === undefined);
  const made = new Map<string, Candidate>();
  const anyTrick = (): Trick => combinable[random.between(0, combinable.length - 1)] as Trick;
  while (made.size < combinationCount) {
    const [one, two] = [anyTrick(), anyTrick()];
    if (one.side === 'whole' || two.side === 'whole' || one.side === two.side) continue;
    const payload = payloads[payloadKinds[random.between(0, payloadKinds.length - 1)] ?? 'eicar'];
    const name = `combined/${one.family}: ${one.name} + ${two.family}: ${two.name}/${payload.kind}`;
    const about = new Particulars(seed, name);
    const entity = assembled({ [one.side]: one, [two.side]: two }, payload, about);
    made.set(name, candidate(entity, [one, two], { name, family: 'combined', payload, about }));
  }
  return [...made.values()];
}

function assembled(sides: Sides, payload: Payload, about: Particulars): Entity {
  const { encoding = plainEncoding, type = plainType, structure = plainStructure } = sides;
  const encoded = encoding.encode(payload, about);
  const fields = [...type.fields(payload), ...encoded.fields];
  const attachment = { ...encoded, fields };
  return structure.build({ text: textPart(about), attachment, mark: about.mark });
}

interface Naming {
  readonly name: string;
  readonly family: string;
  readonly payload: Payload;
  readonly about: Particulars;
}

function candidate(entity: Entity, used: readonly Trick[], naming: Naming): Candidate {
  const { name, family, payload, about } = naming;
  const fields = [
    ...about.envelopeFields(about.one(['Invoice', 'Offer', 'Papers'])),
    ...entity.fields,
  ];
  const text = entityText({ ...entity, fields });
  const [first, second] = used;
  return {
    name,
    family,
    payload,
    bytes: Buffer.from(text, 'latin1'),
    bareLf: used.some(({ bareLf }) => bareLf === true),
    ...(second === undefined && first?.argued !== undefined ? { argued: first.argued } : {}),
  };
}
