/**
 * The EICAR test file (https://www.eicar.org), put together at run time: stored whole, this file
 * itself would be quarantined on every machine with a virus scanner.
 */
export const eicar = [
  'X5O!P%@AP[4\\PZX54(P^)7CC)7}',
  '$EICAR-STANDARD-',
  'ANTIVIRUS-TEST-FILE!$H+H*',
].join('');
