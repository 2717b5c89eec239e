/** The envelope of a transaction (RFC 5321 §2.3.1), as every door hands it to the engine. */

/**
 * One ESMTP parameter of MAIL or RCPT (RFC 5321 §4.1.2), kept as it came: the keyword in the case
 * it was sent in, the value undecoded (xtext stays xtext), so that it reaches the next hop intact.
 */
export interface EsmtpParameter {
  readonly keyword: string;
  readonly value?: string;
}

/** A reverse-path or forward-path with its parameters. */
export interface Path {
  /** What stood between the angle brackets, without a source route; '' is the null reverse-path. */
  readonly address: string;
  readonly parameters: readonly EsmtpParameter[];
}

/** The XFORWARD attributes (Postfix XFORWARD_README), in lower case. */
export const clientAttributes = [
  'name',
  'addr',
  'port',
  'proto',
  'helo',
  'ident',
  'source',
] as const;

/**
 * The original client as Postfix describes it. Values are decoded from xtext; an attribute that
 * is absent was never sent, `[UNAVAILABLE]` and `[TEMPUNAVAIL]` are values like others.
 */
export type Client = Readonly<Partial<Record<(typeof clientAttributes)[number], string>>>;

export interface Envelope {
  readonly client: Client;
  readonly reversePath: Path;
  /** In the order of their RCPT commands; the same address may stand here twice. */
  readonly recipients: readonly Path[];
}

/** The parameter named `keyword` (any case), if the path carries it. */
export function parameterOf(path: Path, keyword: string): EsmtpParameter | undefined {
  return path.parameters.find((parameter) => parameter.keyword.toUpperCase() === keyword);
}
