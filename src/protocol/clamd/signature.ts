/** The families of names that clamd reports as FOUND although they are not malware. */

export type SignatureFamily =
  | 'infected'
  /** One of clamd's own limits was reached (AlertExceedsMax). */
  | 'limits-exceeded'
  /** Something clamd cannot open (AlertEncrypted*). */
  | 'encrypted'
  /** An office document with macros (AlertOLE2Macros). */
  | 'macro';

/**
 * A name of no known family is malware: also '(null)', which clamd says when it found something
 * and lost its name (ClamAV issue 720).
 */
export function classify(signature: string): SignatureFamily {
  if (signature.startsWith('Heuristics.Limits.Exceeded')) return 'limits-exceeded';
  if (signature.startsWith('Heuristics.Encrypted.')) return 'encrypted';
  if (signature.startsWith('Heuristics.OLE2.ContainsMacros')) return 'macro';
  return 'infected';
}
