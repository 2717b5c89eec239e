const swc = {
  jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
};

const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
};

/**
 * `unit` touches nothing but this process and loopback; `real` starts Debian's Postfix and clamd,
 * so its files run one after the other (see the `test:real` script), and `soak` beside it, for it mostly
 * waits; `systemd` boots a machine.
 */
export default {
  // A machine with much else to do takes ten times as long; what hangs is ended all the same.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [
        ...shared.testPathIgnorePatterns,
        '<rootDir>/test/real/',
        '<rootDir>/test/soak/',
        '<rootDir>/test/systemd/',
      ],
    },
    { ...shared, displayName: 'real', testMatch: ['<rootDir>/test/real/**/*.test.ts'] },
    { ...shared, displayName: 'soak', testMatch: ['<rootDir>/test/soak/**/*.test.ts'] },
    { ...shared, displayName: 'systemd', testMatch: ['<rootDir>/test/systemd/**/*.test.ts'] },
  ],
};
