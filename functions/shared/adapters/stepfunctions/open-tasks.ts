import { SFNClient } from '@aws-sdk/client-sfn';
import type { WaitingTasks } from '../../ports/ports.ts';
import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createStepFunctionsTasks } from './waiting-tasks.ts';

/** Opens Step Functions with a client of its own. */
export function openTasks(): WaitingTasks {
  return createStepFunctionsTasks(new SFNClient(AWS_CLIENT_SETTINGS));
}
