/** Plays a case at a door: says what is said there, and checks what is heard and what became of it. */
import type { Case, Column, Step } from './case.ts';
import type { Client } from './client.ts';
import { MilterPlayer } from './milter-player.ts';
import { PolicyPlayer } from './policy-player.ts';
import { SmtpPlayer } from './smtp-player.ts';
import type { World } from './world.ts';

/** Whether the client waits for each reply, or only where it must (RFC 2920 §3.1). */
export type Manner = 'lockstep' | 'pipelined';

export interface Scene {
  readonly world: World;
  readonly client: Client;
  readonly manner: Manner;
  /** Of a Milter session that has had other cases, and was told that a new client follows. */
  readonly negotiated?: boolean;
}

/** Who speaks at a door. */
export interface Player {
  take(step: Step): Promise<void>;
  /** Sends what is unsent, and hears all that is due. */
  hear(): Promise<void>;
}

export async function play(one: Case, column: Column, scene: Scene): Promise<void> {
  const player = playerAt(column, scene);
  for (const step of one.steps) await player.take(step);
  await player.hear();
}

function playerAt(column: Column, scene: Scene): Player {
  switch (column) {
    case 'smtp':
    case 'lmtp':
    case 'before-queue':
      return new SmtpPlayer(column, scene);
    case 'milter':
      return new MilterPlayer(scene);
    case 'policy':
      return new PolicyPlayer(scene);
  }
}
