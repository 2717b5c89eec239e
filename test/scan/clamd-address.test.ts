import { describe, expect, it } from '@jest/globals';
import { parseClamdAddress } from '../../src/scan/clamd-address.ts';

describe('parseClamdAddress', () => {
  it.each([
    ['unix:/run/clamav/clamd.ctl', { path: '/run/clamav/clamd.ctl' }],
    ['tcp://127.0.0.1:3310', { host: '127.0.0.1', port: 3310 }],
    ['tcp://av2.example.org:3310', { host: 'av2.example.org', port: 3310 }],
    ['tcp://[::1]:3310', { host: '::1', port: 3310 }],
    ['tcp://[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ])('reads %s', (text, connect) => {
    expect(parseClamdAddress(text)).toEqual({ ok: true, address: { name: text, connect } });
  });

  it.each([
    ['/run/clamav/clamd.ctl', "'unix:/run/clamav/clamd.ctl'"],
    ['unix:run/clamd', 'absolute path'],
    [`unix:/${'x'.repeat(107)}`, '107 bytes'],
    ['tcp://localhost', 'host:port'],
    ['tcp://::1:3310', '[IPv6]:port'],
    ['tcp://localhost:0', '1-65535'],
    ['tcp://localhost:65536', '1-65535'],
    ['tcp://local host:3310', 'host:port'],
    ['localhost:3310', "'tcp://host:port'"],
    ['', "'unix:/path'"],
  ])('says what would be right instead of %j', (text, advice) => {
    const parsed = parseClamdAddress(text);
    expect(parsed.ok ? '' : parsed.problem).toContain(advice);
    expect(parsed.ok ? '' : parsed.problem).toContain(`'${text}'`);
  });
});
