/** Settings of main.cf and services of master.cf, as values. */

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** A list in which others may stand besides. */
  readonly list?: true;
  /** For the comment in front of it. */
  readonly why?: string;
}

/** An entry of master.cf (master(5)). */
export interface Service {
  readonly name: string;
  readonly type: 'inet' | 'unix';
  readonly private: 'n' | '-';
  readonly chroot: 'n';
  readonly processes: number;
  readonly command: 'smtp' | 'lmtp' | 'smtpd';
  readonly options: readonly Setting[];
  readonly why: string;
}

export interface PostfixEntries {
  readonly mainCf: readonly Setting[];
  readonly masterCf: readonly Service[];
  /** What could not be made, or has to be looked at. */
  readonly notes: readonly string[];
}
