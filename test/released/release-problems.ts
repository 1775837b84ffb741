/** What stands against the release of a version. `check-release.ts` reads it, and docs/releasing.md says what to do. */

/** A release as the project describes it. */
export interface Release {
  /** The version in package.json. */
  readonly version: string;
  /** The tag to publish, such as `v0.1.0`; undefined before it exists. */
  readonly tag: string | undefined;
  readonly changelog: string;
  /** The version whose surface is saved in test/released. */
  readonly savedSurface: string;
  /** Files that git reports as changed. */
  readonly changedFiles: readonly string[];
}

/** Returns one sentence for each problem. */
export function releaseProblems(release: Release): string[] {
  const { version, tag, changelog, savedSurface, changedFiles } = release;
  const problems: string[] = [];
  if (changedFiles.length > 0) problems.push(`commit or remove: ${changedFiles.join(', ')}`);
  if (tag !== undefined && tag !== `v${version}`)
    problems.push(`the tag is ${tag}, but package.json has ${version}`);
  if (savedSurface !== version)
    problems.push(`test/released has the surface of ${savedSurface}; run \`npm run package:release\``);
  return [...problems, ...changelogProblems(version, changelog)];
}

function changelogProblems(version: string, changelog: string): string[] {
  const [unreleased, newest] = changelog.split(/^## /m).slice(1).map(sectionOf);
  const problems: string[] = [];
  if (unreleased?.title !== 'Unreleased')
    problems.push('the first section of CHANGELOG.md is not "Unreleased"');
  else if (unreleased.text !== '')
    problems.push(`move the lines under "Unreleased" in CHANGELOG.md to the section of ${version}`);
  if (
    newest?.title.slice(0, -'YYYY-MM-DD'.length) !== `${version} - ` ||
    !/\d{4}-\d\d-\d\d$/.test(newest.title)
  )
    problems.push(`the second section of CHANGELOG.md is not "${version} - YYYY-MM-DD"`);
  else if (newest.text === '') problems.push(`the section of ${version} in CHANGELOG.md is empty`);
  return problems;
}

function sectionOf(section: string): { title: string; text: string } {
  const [title = '', ...lines] = section.split('\n');
  return { title, text: lines.join('\n').trim() };
}
