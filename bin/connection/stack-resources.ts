import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { outputsAt } from './stack-outputs.ts';
import { clientConfigAt, type Target } from './target.ts';

/**
 * Returns the physical ids of a Batchdrop's resources by the path of their construct, for example `IntakeWorkQueue`.
 * Construct ids do not change between versions. The CDK adds the hash at the end of a logical id.
 */
export async function resourcesOf(target: Target): Promise<ReadonlyMap<string, string>> {
  const { stack, idPrefix } = await outputsAt(target);
  const client = new CloudFormationClient(clientConfigAt(target));
  try {
    const found = new Map<string, string>();
    for await (const page of paginateListStackResources({ client }, { StackName: stack })) {
      for (const { LogicalResourceId = '', PhysicalResourceId } of page.StackResourceSummaries ?? []) {
        if (!LogicalResourceId.startsWith(idPrefix)) continue;
        const [, path] = /^(\w+)[0-9A-F]{8}$/.exec(LogicalResourceId.slice(idPrefix.length)) ?? [];
        if (path !== undefined && PhysicalResourceId !== undefined) found.set(path, PhysicalResourceId);
      }
    }
    return found;
  } finally {
    client.destroy();
  }
}
