import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { openDatabase } from '../../sqlite.ts';
import type { Caller } from '../iam/caller.ts';
import { AwsError, validationError } from '../protocol/aws-error.ts';
import { type AwsService, LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';
import { notImplemented, parseInput, readBody, sendJson, sendRefusal } from '../protocol/json-protocol.ts';
import { intervalMs } from './interval.ts';

/** The function to invoke at each tick; `input` is its event as JSON. */
interface ScheduleTarget {
  readonly arn: string;
  readonly input?: string | undefined;
}

interface Schedule {
  readonly name: string;
  /** `rate(5 minutes)`. */
  readonly expression: string;
  readonly target: ScheduleTarget;
  readonly enabled: boolean;
  /** Ticks are at whole intervals after this time, in milliseconds by the runtime's clock. */
  readonly anchor: number;
}

interface SchedulerPorts {
  readonly clock: Clock;
  /** Starts an invocation and returns without waiting for it. */
  readonly invoke: (targetArn: string, input: string) => void;
}

const CONTENT_TYPE = 'application/json';
const SCHEMA = 'CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, schedule TEXT NOT NULL) STRICT';

/**
 * EventBridge Scheduler on the endpoint, for rate expressions only. The first tick comes one interval after the
 * creation of the schedule. A tick does not wait until the previous one has ended. Ticks that were missed while the
 * runtime was down are skipped.
 */
export class SchedulerEngine implements AwsService {
  readonly signingName = 'scheduler';
  readonly #db: DatabaseSync;
  readonly #ports: SchedulerPorts;
  readonly #schedules = new Map<string, Schedule>();
  readonly #timers = new Map<string, () => void>();

  /** The state is `scheduler.sqlite` in `directory`. Schedules of an earlier run tick once they are created again. */
  constructor(options: SchedulerPorts & { directory: string }) {
    this.#db = openDatabase(join(options.directory, 'scheduler.sqlite'), SCHEMA);
    this.#ports = options;
  }

  /**
   * Creates the schedule and starts its ticks. If an earlier run had a schedule with the same name and rate, it keeps
   * its tick times, and remains disabled if an operator disabled it. Throws ValidationException for anything but a
   * rate.
   */
  createSchedule(definition: { name: string; expression: string; target: ScheduleTarget }): void {
    const { name, expression, target } = definition;
    intervalMs(expression);
    const former = this.#stored(name);
    const goesOn = former?.expression === expression;
    this.#put({
      name,
      expression,
      target,
      enabled: former?.enabled ?? true,
      anchor: goesOn ? former.anchor : this.#ports.clock.now(),
    });
  }

  /** Handles REST-JSON: GET /schedules, GET and PUT /schedules/<name>. Only the state can be changed. */
  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      sendJson(response, 200, CONTENT_TYPE, await this.#answer(request, caller));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendRefusal(response, error, CONTENT_TYPE);
    }
  }

  async close(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    this.#db.close();
  }

  async #answer(request: IncomingMessage, caller: Caller): Promise<object> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (request.method === 'GET' && path === '/schedules') {
      caller.demand({ action: 'scheduler:ListSchedules', resource: '*' });
      return { Schedules: [...this.#schedules.values()].map(wireSummary) };
    }
    const name = /^\/schedules\/([^/]+)$/.exec(path)?.[1];
    if (name !== undefined && request.method === 'GET') {
      caller.demand({ action: 'scheduler:GetSchedule', resource: scheduleArn(name) });
      return wireSchedule(this.#schedule(name));
    }
    if (name !== undefined && request.method === 'PUT') {
      caller.demand({ action: 'scheduler:UpdateSchedule', resource: scheduleArn(name) });
      return this.#update(name, await readBody(request));
    }
    throw notImplemented(`${request.method} ${path} of EventBridge Scheduler`);
  }

  #update(name: string, body: Buffer): object {
    const schedule = this.#schedule(name);
    const input = parseInput(body, 'ValidationException');
    const expression = input.optionalText('ScheduleExpression') ?? schedule.expression;
    if (expression !== schedule.expression) {
      throw validationError('Only the State of a schedule can be changed here: the template sets its rate.');
    }
    const state = input.optionalText('State') ?? 'ENABLED';
    if (state !== 'ENABLED' && state !== 'DISABLED')
      throw validationError(`State must be ENABLED or DISABLED, not ${state}.`);
    this.#put({ ...schedule, enabled: state === 'ENABLED' });
    return { ScheduleArn: scheduleArn(name) };
  }

  #put(schedule: Schedule): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO schedules VALUES (?, ?)')
      .run(schedule.name, JSON.stringify(schedule));
    this.#schedules.set(schedule.name, schedule);
    this.#arm(schedule);
  }

  #arm(schedule: Schedule): void {
    const { clock, invoke } = this.#ports;
    this.#timers.get(schedule.name)?.();
    this.#timers.delete(schedule.name);
    if (!schedule.enabled) return;
    const interval = intervalMs(schedule.expression);
    // The next whole interval after now. Ticks between the last one and now were missed.
    const passed = Math.floor((clock.now() - schedule.anchor) / interval);
    const cancel = clock.at(schedule.anchor + (passed + 1) * interval, () => {
      this.#arm(schedule);
      invoke(schedule.target.arn, schedule.target.input ?? '{}');
    });
    this.#timers.set(schedule.name, cancel);
  }

  #schedule(name: string): Schedule {
    const schedule = this.#schedules.get(name);
    if (schedule !== undefined) return schedule;
    throw new AwsError('ResourceNotFoundException', `Schedule ${name} does not exist.`, { status: 404 });
  }

  #stored(name: string): Schedule | undefined {
    const row = this.#db.prepare('SELECT schedule FROM schedules WHERE name = ?').get(name);
    return row === undefined ? undefined : JSON.parse(String(row.schedule));
  }
}

function scheduleArn(name: string): string {
  return `arn:aws:scheduler:${LOCAL_REGION}:${LOCAL_ACCOUNT}:schedule/default/${name}`;
}

function wireSummary(schedule: Schedule): object {
  const { name, target, enabled } = schedule;
  return {
    Arn: scheduleArn(name),
    GroupName: 'default',
    Name: name,
    State: enabled ? 'ENABLED' : 'DISABLED',
    Target: { Arn: target.arn },
  };
}

function wireSchedule(schedule: Schedule): object {
  const { expression, target } = schedule;
  return {
    ...wireSummary(schedule),
    ScheduleExpression: expression,
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: target.arn, ...(target.input !== undefined && { Input: target.input }) },
  };
}
