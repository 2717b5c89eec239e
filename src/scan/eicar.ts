/**
 * The EICAR test file (https://www.eicar.org), which every scanner reports and which is harmless.
 * It is put together at run time: stored whole, it would be taken away from every machine with a
 * virus scanner, and clamgate with it.
 */
export const eicarTestFile = [
  'X5O!P%@AP[4\\PZX54(P^)7CC)7}',
  '$EICAR-STANDARD-',
  'ANTIVIRUS-TEST-FILE!$H+H*',
].join('');
