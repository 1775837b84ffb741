import { expect, it } from 'vitest';
import { type Json, type PatternCase, testCases } from './event-pattern-case.ts';

/** Returns a case for the field `a`. */
function on(matcher: Json, matches: readonly Json[], differs: readonly Json[]): PatternCase {
  const field = (a: Json) => ({ a });
  return { pattern: field([matcher]), matches: matches.map(field), differs: differs.map(field) };
}

const MISSING: PatternCase['differs'] = [{}, { b: 'x' }, { a: {} }, { a: [] }];

const ENDS = [
  on({ prefix: 'us-' }, ['us-east-1', 'us-'], ['eu-us-', 'US-east-1', 'us', '']),
  on({ prefix: '12' }, ['123'], [123]),
  on({ prefix: '' }, ['', 'x'], [1, null]),
  on({ prefix: { 'equals-ignore-case': 'EventB' } }, ['eventbridge', 'EVENTB'], ['event', 'xeventb', 1]),
  on({ prefix: { 'equals-ignore-case': 'ä' } }, ['ÄPFEL'], ['apfel']),
  on({ suffix: '.png' }, ['a.png', '.png'], ['a.PNG', 'a.png.gz', 'png', 1]),
  on({ suffix: '' }, ['', 'x'], [1]),
  on({ suffix: { 'equals-ignore-case': 'tBridge' } }, ['EventBridge', 'TBRIDGE'], ['bridge', 'tbridges']),
  {
    pattern: { a: [{ prefix: 'p' }, { suffix: 's' }, 'x'] },
    matches: [{ a: 'ps' }, { a: 'x' }],
    differs: [{ a: 'sp' }],
  },
  { pattern: { a: [{ prefix: 'x' }] }, matches: [{ a: ['y', 'xy'] }], differs: MISSING },
];

const IGNORING_CASE = [
  on({ 'equals-ignore-case': 'alice' }, ['alice', 'ALICE', 'aLiCe'], ['alic', 'alices', 1, null]),
  on({ 'equals-ignore-case': 'GRÜN' }, ['grün'], ['grun']),
  on({ 'equals-ignore-case': '' }, [''], [' ']),
  { pattern: { a: [{ 'equals-ignore-case': 'x' }] }, matches: [{ a: ['y', 'X'] }], differs: MISSING },
];

const WILDCARD = [
  on(
    { wildcard: 'dir/*.png' },
    ['dir/a.png', 'dir/.png', 'dir/b/c.png'],
    ['a.png', 'xdir/a.png', 'dir/a.png.gz'],
  ),
  on({ wildcard: '*/lib/*' }, ['usr/lib/x', '/lib/'], ['lib/x', 'usr/lib']),
  on({ wildcard: 'a*b*c' }, ['abc', 'a1b2c', 'abbcc'], ['acb', 'ab', 'abcd']),
  on({ wildcard: '*' }, ['', 'x', 'x\ny'], [5, true, null]),
  on({ wildcard: 'exact' }, ['exact'], ['exactly', 'Exact']),
  on({ wildcard: 'a\\*b' }, ['a*b'], ['axb', 'a\\*b']),
  on({ wildcard: 'a\\\\*' }, ['a\\', 'a\\b'], ['a*', 'ab']),
  on({ wildcard: 'a.(b)[c]$*' }, ['a.(b)[c]$', 'a.(b)[c]$x'], ['axbc', 'a.bc']),
  { pattern: { a: [{ wildcard: '*x' }] }, matches: [{ a: ['y', 'ax'] }], differs: MISSING },
];

const ANYTHING_BUT = [
  on({ 'anything-but': 'x' }, ['y', '', 'X', 5, null, true], ['x']),
  on({ 'anything-but': ['x', 'y'] }, ['z', 1], ['x', 'y']),
  on({ 'anything-but': 5 }, [6, '5', null], [5, 5.0]),
  on({ 'anything-but': [100, 200] }, [300, '100'], [100, 200]),
  on({ 'anything-but': '' }, ['x', null], ['']),
  on({ 'anything-but': { prefix: 'us-' } }, ['eu-1', 'US-', 'us', 5, null], ['us-', 'us-east-1']),
  on({ 'anything-but': { prefix: ['us-', 'eu-'] } }, ['ap-1'], ['us-1', 'eu-1']),
  on({ 'anything-but': { suffix: '.png' } }, ['a.gif', '.PNG', 'png'], ['a.png', '.png']),
  on({ 'anything-but': { suffix: ['.png', '.gif'] } }, ['a.txt'], ['a.png', 'a.gif']),
  on({ 'anything-but': { 'equals-ignore-case': 'init' } }, ['done', 'ini', 5], ['init', 'INIT']),
  on({ 'anything-but': { 'equals-ignore-case': ['init', 'done'] } }, ['failed'], ['INIT', 'Done']),
  on({ 'anything-but': { wildcard: '*/lib/*' } }, ['bin/x', 'lib', 5], ['usr/lib/x']),
  on({ 'anything-but': { wildcard: ['*.jar', 'tmp/*'] } }, ['a.ts'], ['a.jar', 'tmp/', 'tmp/a.jar']),
  on({ 'anything-but': { wildcard: 'a\\*' } }, ['ab'], ['a*']),
  // One matching element of an array is enough, so only an array of excluded values does not match.
  on({ 'anything-but': 'x' }, [['x', 'y']], [['x'], ['x', 'x']]),
  { pattern: { a: [{ 'anything-but': 'x' }] }, matches: [], differs: MISSING },
  {
    pattern: { a: [{ 'anything-but': { prefix: 'p' } }, 'pq'] },
    matches: [{ a: 'pq' }, { a: 'q' }],
    differs: [{ a: 'pp' }],
  },
];

const NUMERIC = [
  on({ numeric: ['=', 5] }, [5, 5.0], [5.1, '5', null]),
  on({ numeric: ['=', 3.018e2] }, [301.8], [301]),
  on({ numeric: ['>', 5] }, [5.000001, 5e9], [5, 4, '6', 6e9]),
  on({ numeric: ['>=', 5] }, [5, 6], [4.999999]),
  on({ numeric: ['<', 0] }, [-1, -5e9], [0, 1, true]),
  on({ numeric: ['<=', 0] }, [0, -0.5], [0.1]),
  on({ numeric: ['>', 10, '<=', 20] }, [10.1, 20], [10, 20.1, 15e1]),
  on({ numeric: ['>=', -5, '<', 5] }, [-5, 0, 4.9], [5, -5.1]),
  on({ numeric: ['>', 0, '<', 1] }, [0.5], [0, 1]),
  {
    pattern: { a: [{ numeric: ['<', 0] }, { numeric: ['>', 9] }] },
    matches: [{ a: 10 }, { a: -1 }],
    differs: [{ a: 5 }],
  },
  { pattern: { a: [{ numeric: ['>', 5] }] }, matches: [{ a: [1, 6] }], differs: [...MISSING, { a: ['6'] }] },
];

const CIDR = [
  on(
    { cidr: '10.0.0.0/24' },
    ['10.0.0.0', '10.0.0.33', '10.0.0.255'],
    ['10.0.1.0', '9.255.255.255', '10.0.0', 'x'],
  ),
  on({ cidr: '10.0.0.0/8' }, ['10.255.1.2'], ['11.0.0.0', 167772160]),
  on({ cidr: '10.0.0.77/24' }, ['10.0.0.1', '10.0.0.200'], ['10.0.1.77']),
  on({ cidr: '0.0.0.0/0' }, ['255.255.255.255'], ['::1', 'somewhere', '10.0.0.0/8']),
  on({ cidr: '10.0.0.4/31' }, ['10.0.0.4', '10.0.0.5'], ['10.0.0.6']),
  on({ cidr: '2001:db8::/32' }, ['2001:db8::1', '2001:0db8:ffff:0:0:0:0:1'], ['2001:db9::1', '10.0.0.1']),
  { pattern: { a: [{ cidr: '10.0.0.0/24' }] }, matches: [{ a: ['::1', '10.0.0.9'] }], differs: MISSING },
];

const count =
  testCases('prefix and suffix', ENDS) +
  testCases('equals-ignore-case', IGNORING_CASE) +
  testCases('wildcard', WILDCARD) +
  testCases('anything-but', ANYTHING_BUT) +
  testCases('numeric', NUMERIC) +
  testCases('cidr', CIDR);

it('the file tests at least 200 details', () => {
  expect(count).toBeGreaterThanOrEqual(200);
});
