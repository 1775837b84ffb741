import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The projects in the order in which they run: a process goes on to the next file only within its project. Of the group
 * that waits and of the one that computes (vitest.config.ts), the project with the longest file begins, and those of many
 * short files end, so that no core waits for another.
 */
const PROJECTS = [
  'simulation',
  'local',
  'integration',
  'browser',
  'integration-api',
  'contracts',
  'stack',
  'property',
  'unit',
  'architecture',
];

/**
 * The files that take longest, by folder and name. Each project begins with them. A name that no longer exists does no
 * harm.
 */
const LONGEST = [
  'simulation/simulation.test.ts',
  'local/iam/permissions.test.ts',
  'integration/cli/cli-commands.test.ts',
  'browser/console/console-page.test.ts',
  'integration/cli/cli.test.ts',
  'integration/cli/cli-doctor.test.ts',
  'integration/runtime/webhooks.test.ts',
  'simulation/second-batch.test.ts',
  'stack/synth.test.ts',
  'stack/synthesized-stack.test.ts',
  'integration/situations/waiting.test.ts',
  'integration/situations/neighbours.test.ts',
  'integration/openai/openai-server-webhooks.test.ts',
  'integration/openai/openai-alone.test.ts',
  'integration/runtime/scan-over-invocations.test.ts',
  'integration/cli/cli-up.test.ts',
  'integration/cli/cli-batch-api.test.ts',
  'integration/runtime/runtime-job.test.ts',
  'integration/runtime/attempts.test.ts',
  'integration/runtime/runtime-death.test.ts',
  'contracts/storage/results.test.ts',
  'local/sqs/sqs-differential.test.ts',
];

/** Begins with the longest files. Otherwise, one of them would run alone at the end while the other core waits. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const project = ({ project: { name } }: TestSpecification) => PROJECTS.indexOf(name);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted(
      (one, other) => project(one) - project(other) || rank(one) - rank(other),
    );
  }
}
