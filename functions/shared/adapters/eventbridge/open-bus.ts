import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { EventBus } from '../../ports/ports.ts';
import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createEventBridgeBus } from './bus.ts';

/** Opens the bus with a client of its own. */
export function openBus(busArn: string): EventBus {
  return createEventBridgeBus({ client: new EventBridgeClient(AWS_CLIENT_SETTINGS), busArn });
}
