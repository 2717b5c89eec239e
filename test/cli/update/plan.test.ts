import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  after,
  begin,
  type End,
  interrupt,
  type Outcome,
  type Plan,
  type PlanState,
  type StepName,
  table,
} from '../../../src/cli/update/plan.ts';

const outcomes: Outcome[] = ['done', 'none', 'passed-over', 'failed', 'refused'];

/** The steps that are taken when each comes to what `outcomeOf` says. */
function walk(
  endpoints: number,
  outcomeOf: (state: PlanState) => Outcome,
): { readonly steps: string[]; readonly end: End } {
  const steps: string[] = [];
  let plan: Plan = begin(endpoints);
  while (!('ended' in plan)) {
    steps.push(plan.endpoint === undefined ? plan.step : `${plan.step} ${plan.endpoint}`);
    plan = after(plan, outcomeOf(plan));
  }
  return { steps, end: plan.ended };
}

const first = ['wait', 'bring', 'look', 'check', 'install'];
const whole = ['measure', 'drain', 'idle', 'load', 'ready', 'canary', 'resume'];

test('all goes well: the signatures, then one endpoint after the other', () => {
  expect(walk(2, () => 'done')).toEqual({
    steps: [...first, ...whole.map((step) => `${step} 0`), ...whole.map((step) => `${step} 1`)],
    end: 'updated',
  });
});

test('without a daemon nothing is waited for that it would say', () => {
  const none: readonly StepName[] = ['wait', 'bring', 'check', 'install', 'drain', 'resume'];
  const { steps } = walk(1, ({ step }) => (none.includes(step) ? 'none' : 'done'));
  expect(steps.slice(5)).toEqual([
    'measure 0',
    'drain 0',
    'load 0',
    'ready 0',
    'canary 0',
    'resume 0',
  ]);
});

test('one that is away is passed over', () => {
  const away = ({ step, endpoint }: PlanState): Outcome =>
    step === 'measure' && endpoint === 0 ? 'passed-over' : 'done';
  expect(walk(2, away).steps.slice(5, 7)).toEqual(['measure 0', 'measure 1']);
  expect(walk(1, away).end).toBe('updated');
});

describe('what ends it, and whether something is given back before', () => {
  test.each<[StepName, Outcome, End, boolean]>([
    ['bring', 'failed', 'not-brought', false],
    ['look', 'none', 'nothing-new', false],
    ['check', 'refused', 'not-loadable', false],
    ['check', 'failed', 'not-checked', false],
    ['install', 'failed', 'not-installed', false],
    ['measure', 'refused', 'no-memory', false],
    ['drain', 'failed', 'not-drained', true],
    ['idle', 'failed', 'not-idle', true],
    ['load', 'failed', 'not-told', true],
    ['ready', 'failed', 'not-back', true],
    ['canary', 'failed', 'not-back', true],
    ['canary', 'refused', 'lying', true],
    ['resume', 'failed', 'not-accepted', true],
  ])('%s %s: %s', (step, outcome, end, isReleased) => {
    const went = walk(2, (state) => (state.step === step ? outcome : 'done'));
    expect([went.end, went.steps.at(-1)]).toEqual([
      end,
      isReleased ? 'release 0' : `${step}${first.includes(step) ? '' : ' 0'}`,
    ]);
    expect(went.steps.some((each) => each.endsWith(' 1'))).toBe(false);
  });
});

test('it always ends, releases what it drained, and never has two in hand', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom(...outcomes), { maxLength: 60 }),
      fc.nat(60),
      (endpoints, rolls, stopAt) => {
        let held: number | undefined;
        let plan: Plan = begin(endpoints);
        for (let at = 0; !('ended' in plan); at++) {
          expect(at).toBeLessThan(10 + 8 * endpoints);
          const { step, endpoint } = plan;
          if (step === 'drain') {
            expect(held).toBeUndefined();
            held = endpoint;
          }
          if (step === 'resume' || step === 'release') held = undefined;
          else if (held !== undefined) expect(endpoint).toBe(held);
          plan = at === stopAt ? interrupt(plan) : after(plan, rolls[at] ?? 'done');
        }
        expect(held).toBeUndefined();
      },
    ),
  );
});

test('an outcome that a step cannot have is a failure, not a way on', () => {
  for (const [step, ways] of Object.entries(table)) {
    if (step === 'release') continue;
    for (const outcome of outcomes.filter((one) => !(one in ways))) {
      const state: PlanState = { step: step as StepName, endpoint: 0, endpoints: 1 };
      const next = after(state, outcome);
      expect('ended' in next || next.step === 'release').toBe(true);
    }
  }
});

test('called off twice it still releases, and keeps its first reason', () => {
  const releasing = interrupt({ step: 'ready', endpoint: 0, endpoints: 1 });
  expect(releasing).toMatchObject({ step: 'release', ending: 'interrupted' });
  expect(interrupt(releasing as PlanState)).toEqual({ ended: 'interrupted' });
});
