import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The fence of docs/architecture.md: imports only go down. Each room names what it may import;
 * every other room of src/ is closed to it.
 */
const rooms = [
  'protocol',
  'verdict',
  'reading',
  'inspect',
  'scan',
  'store',
  'relay',
  'witness',
  'postfix',
  'engine',
  'listener',
  'daemon',
  'doctor',
  'cli',
];
const layer0 = ['protocol', 'verdict', 'reading', 'inspect'];
const layer1 = ['scan', 'store', 'relay'];
const mayImport = {
  protocol: [],
  verdict: [],
  reading: [],
  inspect: [],
  scan: layer0,
  store: layer0,
  relay: layer0,
  witness: layer0,
  postfix: layer0,
  engine: [...layer0, ...layer1],
  listener: [...layer0, 'engine'],
  daemon: [...layer0, ...layer1, 'engine', 'listener'],
  doctor: [...layer0, ...layer1, 'postfix', 'engine', 'listener', 'daemon'],
};

/** What is pure cannot do I/O, read a clock or see the process. */
const pureGlobals = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'console',
  'fetch',
  'performance',
];
/** Below the daemon, time comes from a Clock that is passed in (src/clock.ts). */
const clockGlobals = ['Date', 'setTimeout', 'setInterval', 'process', 'console', 'performance'];

function fence(room) {
  const closed = rooms.filter((other) => other !== room && !mayImport[room].includes(other));
  const pure = layer0.includes(room);
  const patterns = [
    {
      regex: `^(\\.\\./)+(${closed.join('|')})/`,
      message: `${room}/ may import only ${mayImport[room].join(', ') || 'itself'} and the root files`,
    },
  ];
  if (pure) {
    patterns.push({ group: ['node:*', '!node:buffer'], message: `${room}/ cannot do I/O` });
  }
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
      'no-restricted-globals': ['daemon', 'doctor'].includes(room)
        ? 'off'
        : ['error', ...(pure ? pureGlobals : clockGlobals)],
    },
  };
}

export default defineConfig(
  { ignores: ['dist', 'coverage', '.run', 'node_modules'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
      'no-console': 'error',
    },
  },
  // The rows of a table test are its parameters.
  { files: ['test/**/*.ts'], rules: { 'max-params': 'off' } },
  {
    files: ['src/cli/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  ...Object.keys(mayImport).map(fence),
);
