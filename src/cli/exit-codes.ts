/** The exit codes of every verb: 0 and 1 as grep(1) has them, the others as in sysexits.h. */
export const exitCodes = {
  /** Done, and all is well. */
  ok: 0,
  /** Done, and the answer is no: not delivered as clean, not ready, not what was expected. */
  negative: 1,
  /** EX_USAGE: the command line was wrong. */
  usage: 64,
  /** EX_NOINPUT: a file that was named cannot be read. */
  noInput: 66,
  /** EX_UNAVAILABLE: the daemon, clamd or the server does not answer. */
  unavailable: 69,
  /** EX_SOFTWARE: a fault of clamgate itself. */
  software: 70,
  /** EX_IOERR: a file could not be written or read. */
  ioError: 74,
  /** EX_TEMPFAIL: deferred, or not known yet; trying again may help. */
  temporary: 75,
  /** EX_CONFIG: the configuration cannot be used, or no Node.js that can run clamgate was found. */
  config: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For the end of `clamgate --help`. */
export const exitCodeHelp = `Exit codes:
   0  done, and all is well
   1  done, and the answer is no: not ready, not what was expected, not well (doctor); of scan,
      that it is malware, or that a rule does not let it pass as a clean message (tag counts;
      where the rules pass what was found, an ambiguous form for one, it is 0)
  64  the command line was wrong
  66  a file that was named cannot be read
  69  the daemon, clamd or the server does not answer
  70  a fault of clamgate itself
  74  a file could not be written or read
  75  deferred, or not known yet; trying again may help
  78  the configuration cannot be used, or no Node.js >= 24 was found`;
