import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, by folder and name. A name that no longer exists does no harm. */
const LONGEST = [
  'simulation/simulation.test.ts',
  'local/iam/permissions.test.ts',
  'integration/cli/cli-commands.test.ts',
  'integration/cli/cli.test.ts',
  'integration/cli/cli-real.test.ts',
  'integration/runtime/chaos.test.ts',
  'simulation/second-batch.test.ts',
  'stack/jsii.test.ts',
  'integration/situations/waiting.test.ts',
  'integration/runtime/scan-over-invocations.test.ts',
  'integration/cli/cli-doctor.test.ts',
  'integration/cli/cli-up.test.ts',
  'integration/cli/cli-batch-api.test.ts',
  'integration/runtime/runtime-job.test.ts',
  'integration/runtime/attempts.test.ts',
  'integration/runtime/runtime-death.test.ts',
  'stack/examples.test.ts',
  'local/sqs/sqs-differential.test.ts',
];

/** Begins with the longest files: otherwise one of them is left at the end, on one core while the others wait. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
