import {
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { IDLE_TICK_NOTED_MS } from '../../../functions/shared/domain/ledger-records.ts';
import { serverTime } from '../../connection/server-time.ts';
import { clientConfigAt } from '../../connection/target.ts';
import { timeShown } from '../../terminal/amounts.ts';
import { failed, ok, type Verdict } from '../finding.ts';
import type { Subject } from './subject.ts';

const MAX_TICKS_LATE = 3;

export async function scheduleIsOn(subject: Subject): Promise<Verdict> {
  const schedule = await scheduleOf(subject);
  const { State, ScheduleExpression } = schedule;
  if (State === 'ENABLED') return ok(`on, ${ScheduleExpression}`);
  return failed(`${State}, so POLL does not run`, switchedOn(schedule));
}

export async function tickIsRecent(subject: Subject): Promise<Verdict> {
  const { connection } = subject;
  const { tickedAt, idle } = await connection.ledger.readControl();
  if (tickedAt === undefined) {
    return failed(
      'POLL has not completed a run',
      "After a deployment, wait a minute. Then check POLL's log.",
    );
  }
  const ageMs = Math.max(0, (await serverTime(connection)) - tickedAt);
  const found = `${timeShown(ageMs)} ago`;
  const latest = MAX_TICKS_LATE * intervalMs(await scheduleOf(subject)) + (idle ? IDLE_TICK_NOTED_MS : 0);
  if (ageMs <= latest) return ok(found);
  return failed(found, "Check the schedule and POLL's log: docs/operations.md#pollheartbeat");
}

/** Returns the command that switches the schedule on. The API replaces the whole schedule. */
function switchedOn(schedule: GetScheduleCommandOutput): string {
  const { Name, GroupName, ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target } =
    schedule;
  const input = {
    ...{ Name, GroupName, ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target },
    State: 'ENABLED',
  };
  return `aws scheduler update-schedule --cli-input-json '${JSON.stringify(input)}'`;
}

async function scheduleOf({ connection: { target }, resources }: Subject) {
  const scheduler = new SchedulerClient(clientConfigAt(target));
  try {
    return await scheduler.send(new GetScheduleCommand({ Name: resources.get('PollingTick') }));
  } finally {
    scheduler.destroy();
  }
}

function intervalMs({ ScheduleExpression = '' }: { ScheduleExpression?: string | undefined }): number {
  const [, count = '1', unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(ScheduleExpression) ?? [];
  return Number(count) * (unit === 'hour' ? 3_600_000 : 60_000);
}
