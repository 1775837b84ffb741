import type { CancelRequest } from '../../../functions/shared/contract/messages/cancel-request.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { MINUTE } from './invocation.ts';
import { REQUESTS, type World } from './world.ts';

const KEYS = ['in/a.jsonl', 'in/b.jsonl', 'in/c.jsonl'];
const ACTIONS_LAST_MS = 40 * MINUTE;
const MAX_ACTIONS = 7;
const MAX_CROWD = 6; // files that one team uploads at once
const TEAMS = ['search', 'ads', 'billing'];
const LIMITED_SHARE = 0.85; // of files, whose rows limit their output
const MOST_TOKENS = 8; // more than an answer has
const TOO_FEW_TOKENS = 1; // answers have five times as many, and cost more than was estimated
const MIXED_SHARE = 0.2;
const BAD_SHARE = 0.06;

/** A file that a user uploaded. */
export interface Upload {
  key: string;
  versionId: string;
  jobId: string;
  at: number;
  lastModified: number;
  /** In the order of the file. */
  rows: { customId: string; model: string }[];
  /** Whether it uses an id twice. */
  isBad: boolean;
  /** Nothing of it is sent before somebody approves it. */
  isHeld: boolean;
}

/** What users do, at any time: upload, upload the same file again, overwrite, delete, and cancel in each form. */
export class Workload {
  readonly uploads: Upload[] = [];
  /** Jobs whose object was deleted. */
  readonly deleted = new Set<string>();
  readonly #world: World;
  /** How many actions there are, including those left out. */
  readonly actions: number;
  #left = 0;

  constructor(world: World, leftOut: readonly number[] = []) {
    this.#world = world;
    this.actions = world.chance.between('deeds', 2, MAX_ACTIONS);
    const start = world.timeline.now();
    for (let action = 0; action < this.actions; action += 1) {
      if (leftOut.includes(action)) continue;
      this.#left += 1;
      const after = action === 0 ? 0 : world.chance.of(`when ${action}`) ** 2 * ACTIONS_LAST_MS;
      world.timeline.at(start + Math.floor(after), () => {
        this.#left -= 1;
        this.#act(action);
      });
    }
    if (hasTeams(world)) this.#uploadCrowd();
  }

  /** One team uploads many files at once, and others a few after it. */
  #uploadCrowd(): void {
    const { chance, timeline } = this.#world;
    const first = timeline.now() + chance.between('crowd', 0, ACTIONS_LAST_MS);
    const team = chance.pick('team of the crowd', TEAMS) ?? '';
    for (let n = 0; n < MAX_CROWD; n += 1) {
      const name = `crowd ${n}`;
      this.#left += 1;
      timeline.at(first + n * MINUTE, () => {
        this.#left -= 1;
        this.#uploadOnce(name, `in/crowd-${n}.jsonl`, n, n < MAX_CROWD - 2 ? { team } : {});
      });
    }
  }

  areDone(): boolean {
    return this.#left === 0;
  }

  #act(action: number): void {
    const { chance } = this.#world;
    const name = `deed ${action}`; // part of the draws, like every name: see `Chance`
    const dice = chance.of(name);
    const key = chance.pick(`key of ${name}`, KEYS) ?? '';
    const one = <T>(things: readonly T[]) => chance.pick(`which of ${name}`, things);
    if (dice < 0.68 || this.uploads.length === 0) this.#upload(name, key);
    else if (dice < 0.76) this.#cancelKey(name, key);
    else if (dice < 0.88) this.#cancel(name, { jobId: one(this.uploads)?.jobId ?? 'none' });
    else if (dice < 0.97)
      this.#cancel(name, { batchId: one(this.#world.api.audit().creates)?.batchId ?? 'batch_none' });
    else this.#cancel(name, { jobId: 'nobody' });
  }

  #upload(name: string, key: string): void {
    const { chance, faults, timeline } = this.#world;
    this.#uploadOnce(name, key, chance.between(`content of ${name}`, 0, 4));
    if (faults.occurs('object overwritten', name)) {
      const again = timeline.now() + chance.between(`again ${name}`, 0, 10 * MINUTE);
      this.#left += 1;
      timeline.at(again, () => {
        this.#left -= 1;
        this.#uploadOnce(`${name} again`, key, chance.between(`new content of ${name}`, 0, 2));
      });
    }
  }

  #uploadOnce(name: string, key: string, content: number, crowd?: { team?: string }): void {
    const { chance, faults, timeline, mailbox, requestFiles, approver } = this.#world;
    const size = chance.of(`parts of ${name}`);
    const hold = approver.instructionOf(name);
    const metadata: Record<string, string> = {
      ...(chance.of(`rerun ${name}`) < 0.15 ? { 'batchdrop-rerun': 'yes' } : {}),
      ...hold,
      ...(hasTeams(this.#world) ? this.#ofTeam(name, crowd?.team) : {}),
    };
    const { budget } = this.#world.limits;
    const isMixed = chance.of(`mixed ${name}`) < MIXED_SHARE;
    const stops = budget?.stopsRunning === true; // a small budget: a row without a limit may cost more than all of it
    const isLimited = stops || (budget !== undefined && chance.of(`limited ${name}`) < LIMITED_SHARE);
    const maxTokens = stops ? TOO_FEW_TOKENS : MOST_TOKENS;
    const good = fileOf(content, {
      models: [stops && crowd ? 'o' : 'm', isMixed ? 'n' : undefined],
      isLarge: size < 0.15 && !budget,
      ...(isLimited ? { maxTokens } : {}),
    });
    const isBad = chance.of(`bad ${name}`) < BAD_SHARE;
    const body = isBad ? good + good : good;
    const facts = requestFiles.put(REQUESTS, key, body, metadata);
    const { versionId, lastModified, etag } = facts;
    const jobId = jobIdOf({ bucket: REQUESTS, key, versionId });
    const lines = body.trim().split('\n');
    const rows = lines
      .map((line) => JSON.parse(line))
      .map((row) => ({ customId: String(row.custom_id), model: String(row.body.model) }));
    const isHeld = Object.keys(hold).length > 0 || approver.policy.approveAbove !== undefined;
    this.uploads.push({ key, versionId, jobId, at: timeline.now(), lastModified, rows, isBad, isHeld });
    approver.uploaded(jobId, name);
    this.#world.note(`a user uploads ${key}, ${versionId}, content ${content}: job ${jobId}`);
    const object = { key, size: facts.size, etag, 'version-id': versionId, sequencer: versionId };
    const event = JSON.stringify({ detail: { bucket: { name: REQUESTS }, object } });
    const outrun = faults.occurs('cancel outruns its file', name);
    mailbox.send('intake', event, name, outrun ? { afterMs: 5 * MINUTE } : {});
    if (outrun) this.#cancelKey(`${name} at once`, key);
    if (faults.occurs('object deleted', name)) {
      const file = { bucket: REQUESTS, key, versionId };
      timeline.at(timeline.now() + chance.between(`deleted ${name}`, 0, 20 * MINUTE), () => {
        this.deleted.add(jobId);
        requestFiles.remove(file);
        this.#world.note(`a user deletes ${key}, ${versionId}`);
      });
    }
  }

  #ofTeam(name: string, team: string | undefined): Record<string, string> {
    const { chance } = this.#world;
    const priority = chance.pick(`priority of ${name}`, ['high', 'normal', 'normal', 'normal', 'low']);
    return {
      'batch-team': team ?? chance.pick(`team of ${name}`, TEAMS) ?? '',
      ...(priority === undefined || team !== undefined ? {} : { 'batchdrop-priority': priority }),
    };
  }

  #cancelKey(name: string, key: string): void {
    this.#cancel(name, { bucket: REQUESTS, key });
  }

  #cancel(name: string, request: CancelRequest): void {
    this.#world.note(`a user cancels ${JSON.stringify(request)}`);
    this.#world.sendCancel(request, name);
  }
}

/** Returns whether files belong to teams. */
function hasTeams({ limits }: World): boolean {
  return limits.shares !== undefined || limits.budget !== undefined;
}

interface FileKind {
  models: [first: string, second: string | undefined];
  isLarge: boolean;
  maxTokens?: number;
}

const INPUTS = JSON.stringify([{}, ...Array<number>(25_001).fill(0)]); // only their number matters

/**
 * Returns a file. It makes two parts if its two rows have more embedding inputs than one batch may have, or if two
 * models alternate.
 */
function fileOf(content: number, { models: [first, second = first], isLarge, maxTokens }: FileKind): string {
  const model = (n: number) => (n % 2 === 0 ? second : first);
  if (isLarge) {
    return [1, 2]
      .map(
        (n) =>
          `{"custom_id":"e${content}-${n}","method":"POST","url":"/v1/embeddings","body":{"model":"${model(n)}","input":${INPUTS}}}\n`,
      )
      .join('');
  }
  const row = (n: number) => ({
    custom_id: `c${content}-${n}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: model(n), messages: [], ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }) },
  });
  return [1, 2, 3, 4].map((n) => `${JSON.stringify(row(n))}\n`).join('');
}
