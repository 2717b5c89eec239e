/** Nobody changes a configuration: who holds one and who reads it again share nothing but values. */
export function frozen<T extends object>(value: T): T {
  for (const each of Object.values(value)) {
    if (typeof each === 'object' && each !== null) frozen(each);
  }
  return Object.freeze(value);
}
