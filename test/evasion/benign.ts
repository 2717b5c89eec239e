import type { Specimen } from './message.ts';
export function benignMessages(): readonly Specimen[] {
  return [];
}
