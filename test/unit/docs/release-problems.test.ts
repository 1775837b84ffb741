import { expect, it } from 'vitest';
import { releaseProblems } from '../../released/release-problems.ts';

const READY = {
  version: '0.2.0',
  tag: 'v0.2.0',
  changelog:
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n- A prop.\n\n## 0.1.0 - 2026-11-01\n\n- All.\n',
  savedSurface: '0.2.0',
  changedFiles: [],
};

it.each([
  ['nothing', {}, []],
  ['nothing before the tag exists', { tag: undefined }, []],
  ['a file that is not committed', { changedFiles: ['lib/a.ts'] }, ['commit or remove: lib/a.ts']],
  ['the tag of another version', { tag: 'v0.1.0' }, ['the tag is v0.1.0, but package.json has 0.2.0']],
  [
    'a surface that was not saved',
    { savedSurface: '0.1.0' },
    ['test/released has the surface of 0.1.0; run `npm run package:release`'],
  ],
  [
    'lines that belong to no version',
    { changelog: READY.changelog.replace('Unreleased\n', 'Unreleased\n\n- A fix.\n') },
    ['move the lines under "Unreleased" in CHANGELOG.md to the section of 0.2.0'],
  ],
  [
    'a version without a date',
    { changelog: READY.changelog.replace('2026-12-01', 'soon') },
    ['the second section of CHANGELOG.md is not "0.2.0 - YYYY-MM-DD"'],
  ],
  [
    'a version without a section',
    { changelog: READY.changelog.replace(/## 0\.2\.0[\s\S]*?(?=## 0\.1)/, '') },
    ['the second section of CHANGELOG.md is not "0.2.0 - YYYY-MM-DD"'],
  ],
  [
    'a version without lines',
    { changelog: READY.changelog.replace('- A prop.', '') },
    ['the section of 0.2.0 in CHANGELOG.md is empty'],
  ],
  [
    'a changelog without a place for new lines',
    { changelog: READY.changelog.replace('## Unreleased\n', '') },
    [
      'the first section of CHANGELOG.md is not "Unreleased"',
      'the second section of CHANGELOG.md is not "0.2.0 - YYYY-MM-DD"',
    ],
  ],
])('against a release stands %s', (_, differences, problems) => {
  expect(releaseProblems({ ...READY, ...differences })).toEqual(problems);
});
