import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { synthesize } from '../../../bin/up/synthesis.ts';
import { type Atom, withoutStatement } from './permission-atoms.ts';
import { SCENARIOS, type Scenario } from './permission-scenarios.ts';
import { PermissionStage } from './permission-stage.ts';
import { cellsOf, markdownOf, permissionTable, type TableRow, trustRows } from './permission-table.ts';
import { tableOnPage } from './security-page.ts';

let assembly: string;
let stage: PermissionStage;
let rows: TableRow[];

beforeAll(async () => {
  assembly = mkdtempSync(join(tmpdir(), 'batchdrop-assembly-'));
  await synthesize(assembly);
  stage = await PermissionStage.start(assembly);
  rows = await permissionTable(stage);
});

afterAll(async () => {
  await stage?.close();
  rmSync(assembly, { recursive: true, force: true });
});

describe('the permissions of the template', () => {
  it('are each needed: without any one of them a call of some scenario is refused', () => {
    expect(rows.length).toBeGreaterThan(50);
    const unneeded = rows.filter(({ fails }) => fails.length === 0).map(cellsOf);
    expect(unneeded).toEqual([]);
  });

  it('are enough: nothing is refused but what a scenario takes away', () => {
    const refused = stage.decisions.filter(({ verdict }) => verdict !== 'allowed');
    const what = refused.map(({ request }) => `${whoOf(request.principal)} ${request.action}`);
    expect([...new Set(what)].filter((each) => !TAKEN_AWAY.has(each))).toEqual([]);
  });

  it('are those in docs/security.md, with what fails (else: npm run docs:security)', () => {
    const onPage = tableOnPage();
    const fresh = [...rows.map(cellsOf), ...trustRows(stage)];
    expect(withoutReasons(onPage)).toEqual(withoutReasons(markdownOf(fresh)));
    // Which scenario asks first may differ from run to run; that one of them does may not.
    const reasons = linesOf(onPage).map((line) => line.split(' | ').at(-1)?.replace(/ \|$/, ''));
    rows.forEach(({ fails }, at) => {
      expect(fails, onPage.split('\n')[at + 2]).toContain(reasons[at]);
    });
  });
});

describe('a statement that is really taken away while the stack runs', () => {
  it('is missed by the function whose it is, each in turn', async () => {
    const statements = Map.groupBy(rows, ({ atom }) => atom.statement.id);
    let missed = 0;
    for (const [id, its] of statements) {
      // What no scenario but the start asks for is taken away in test/integration/wiring.test.ts.
      const scenario = SCENARIOS.find((each) => its.some(({ fails }) => fails[0] === each.fails));
      const [first] = its;
      if (scenario === undefined || first === undefined) continue;
      await untilMissed(id, scenario, first.atom);
      missed += 1;
    }
    expect(missed).toBe(28);
  }, 180_000);
});

/** Plays until it is; a key of the API that is still kept in a process makes the first play go through. */
async function untilMissed(id: string, scenario: Scenario, { holder, statement }: Atom): Promise<void> {
  const before = stage.decisions.length;
  const isMissed = () =>
    stage.decisions
      .slice(before)
      .some(
        ({ request, verdict }) =>
          verdict !== 'allowed' &&
          request.principal.kind === 'role' &&
          request.principal.roleArn === holder &&
          statement.actions.includes(request.action),
      );
  stage.enforce(withoutStatement(stage.plan.policies, id));
  for (let plays = 0; plays < 5 && !isMissed(); plays += 1) {
    const play = { hasEnded: false };
    const end = () => Object.assign(play, { hasEnded: true });
    scenario.play(stage).then(end, end); // goes on behind the others' backs, or is cut off at the end
    await stage.until(`${id} is missed`, () => isMissed() || play.hasEnded);
  }
  stage.enforce(stage.plan.policies);
  expect(isMissed(), id).toBe(true);
}

const TAKEN_AWAY = new Set(['intake s3:PutObject', 'delivery dynamodb:GetItem']);

function whoOf(principal: { kind: string; sessionName?: string; name?: string }): string {
  return /batchdrop-(\w+)-/.exec(principal.sessionName ?? '')?.[1] ?? principal.name ?? '';
}

function linesOf(table: string): string[] {
  return table.trim().split('\n').slice(2);
}

function withoutReasons(table: string): string[] {
  return linesOf(table).map((line) => line.split(' | ').slice(0, 3).join(' | '));
}
