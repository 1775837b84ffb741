/** A planted defect: pieces of the source, each with its replacement. */
export interface Mutant {
  name: string;
  patches: { file: string; anchor: string; replacement: string }[];
}

/** The defects that the simulation has to find. */
export const MUTANTS: Mutant[] = [
  {
    name: 'the tokens of an attempt count again in the next one',
    patches: [
      {
        file: 'functions/deliver/part/usage-of-attempts.ts',
        anchor: '...together([earlierResults ?? {}, billed]),',
        replacement: '...together([earlierResults ?? {}, earlierResults ?? {}, billed]),',
      },
    ],
  },
  {
    name: 'POST /batches is retried',
    patches: [
      {
        file: 'functions/submit/create-batch.ts',
        anchor: 'batch = await send(deps, leased.until, part);',
        replacement:
          'batch = await send(deps, leased.until, part).catch(() => send(deps, leased.until, part));',
      },
    ],
  },
  {
    name: 'the batch id is saved on the lease instead of the intent',
    patches: [
      {
        file: 'functions/submit/create-batch.ts',
        anchor: 'await saveBatch(deps, inHand, {',
        replacement: 'await saveBatch({ ...deps, change: leased.change }, inHand, {',
      },
      {
        file: 'functions/shared/lifecycle/save-batch.ts',
        anchor: "  await inHand.change((part) => {\n    if (part.phase !== 'creating'",
        replacement:
          "  const { change = inHand.change.bind(inHand) } = deps as { change?: typeof inHand.change };\n  await change((part) => {\n    if (part.phase !== 'creating'",
      },
    ],
  },
  {
    name: 'the batch id is saved after the message is acknowledged',
    patches: [
      {
        file: 'functions/submit/create-batch.ts',
        anchor: 'await saveBatch(deps, inHand, { intentId: intent.id, batch, unconfirmed: true, released });',
        replacement:
          'void saveBatch(deps, inHand, { intentId: intent.id, batch, released }).catch(() => undefined);',
      },
    ],
  },
  {
    name: 'events are published without the outbox',
    patches: [
      {
        file: 'functions/shared/lifecycle/publish.ts',
        anchor: '  await publishOrRetry(deps, batchStatusChange(part, batch, deps.instance));\n',
        replacement: '',
      },
      {
        file: 'functions/shared/lifecycle/publish.ts',
        anchor: '    () => recordBatch(deps.metrics, part, deps.clock.now()),\n  );\n',
        replacement:
          '    () => recordBatch(deps.metrics, part, deps.clock.now()),\n  );\n  await inHand.flush();\n  await publishOrRetry(deps, batchStatusChange(part, batch, deps.instance));\n',
      },
    ],
  },
  {
    name: 'the status is set without a comparison',
    patches: [
      {
        file: 'functions/shared/lifecycle/apply-observation.ts',
        anchor: '!isFurther(part, observed.status)) return undefined;',
        replacement: 'part.batch.status === observed.status) return undefined;',
      },
    ],
  },
  {
    name: 'the search for a lost batch stops one page early',
    patches: [
      {
        file: 'functions/shared/lifecycle/find-batches.ts',
        anchor: 'for (const batch of page.batches) see(batch);',
        replacement: 'for (const batch of page.hasMore || pages === 0 ? page.batches : []) see(batch);',
      },
    ],
  },
  {
    name: 'the search for a lost batch compares only metadata',
    patches: [
      {
        file: 'functions/shared/lifecycle/find-batches.ts',
        anchor: 'return inputFileId !== undefined && fileIds.has(inputFileId);',
        replacement: "return inputFileId === undefined && fileIds.has('');",
      },
    ],
  },
  {
    name: 'a create that was refused is sent again without a search',
    patches: [
      {
        file: 'functions/submit/create-batch.ts',
        anchor: 'return { ...part, intent: { ...part.intent, ...refusedNow(failure, clock.now()) } };',
        replacement: "return { ...part, phase: 'uploaded', intent: without(part.intent, 'sendBy') };",
      },
    ],
  },
  {
    name: "the answer of a stranger to a create is taken as the API's refusal",
    patches: [
      {
        file: 'functions/submit/create-batch.ts',
        anchor: 'batch = await send(deps, leased.until, part);',
        replacement:
          "batch = await send(deps, leased.until, part).catch((failure) => {\n      throw failure instanceof Ambiguous ? new TerminalError('refused', failure.message) : failure;\n    });",
      },
    ],
  },
  {
    name: 'a part begins again by itself after every unresolved create',
    patches: [
      {
        file: 'functions/shared/domain/spending/unresolved-creates.ts',
        anchor: 'if (all.length - (part.releases ?? 0) < MAX_UNRESOLVED)',
        replacement: 'if (all.length > 0)',
      },
    ],
  },
  {
    name: 'the create is repeated without deleting the file',
    patches: [
      {
        file: 'functions/submit/ambiguous-create.ts',
        anchor: 'if (!(await isDeleted(deps, file)))',
        replacement: 'if (file.fileId === undefined)',
      },
    ],
  },
  {
    name: 'the plan is active before its commit',
    patches: [
      {
        file: 'functions/intake/intake-job.ts',
        anchor: "    phase: 'planned',\n",
        replacement: "    phase: 'ready',\n    dueAt: job.changedAt,\n",
      },
    ],
  },
  {
    name: 'parts expire from the creation of their job',
    patches: [
      {
        file: 'functions/intake/intake-job.ts',
        anchor: '    secondBatchIds: [],\n',
        replacement: '    secondBatchIds: [],\n    expiresAt: job.createdAt + 7_776_000_000,\n',
      },
    ],
  },
  {
    name: 'a job ends with fewer parts than its plan',
    patches: [
      {
        file: 'functions/shared/lifecycle/parts-of-plan.ts',
        anchor: 'if (parts.length >= plan.parts) return parts;',
        replacement: 'if (parts.length > 0) return parts;',
      },
    ],
  },
  {
    name: 'a delivery is marked as done before the upload completes',
    patches: [
      {
        file: 'functions/deliver/part/part-files.ts',
        anchor: 'outputBytes: await output.close(),',
        replacement: 'outputBytes: (void output.close().catch(() => undefined), output.held?.length ?? 0),',
      },
      {
        file: 'functions/deliver/part/part-files.ts',
        anchor: 'await Promise.all([output.putAs(keys.output), errors.putAs(keys.errors)]);',
        replacement:
          'void Promise.all([output.putAs(keys.output), errors.putAs(keys.errors)]).catch(() => undefined);',
      },
    ],
  },
  {
    name: 'a cancel reads the plan before it records the cancel',
    patches: [
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: "  await job.change((now) => {\n    if (now.status === 'joined')",
        replacement:
          "  const seen = job.item;\n  await job.change((now) => {\n    if (now.status === 'joined')",
      },
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'const parts = item.plan ? await deps.ledger.partsOf(jobId, item.plan.planId) : [];',
        replacement: 'const parts = seen?.plan ? await deps.ledger.partsOf(jobId, seen.plan.planId) : [];',
      },
      {
        file: 'functions/cancel/record-cancel.ts',
        anchor: 'const planned = item.plan?.parts ?? 0;',
        replacement: 'const planned = seen?.plan?.parts ?? 0;',
      },
    ],
  },
  {
    name: 'a succeeded row runs again',
    patches: [
      {
        file: 'functions/deliver/part/ordered-result-writer.ts',
        anchor: 'const again = mayRun && (passing ||',
        replacement: "const again = mayRun && (passing || outcome === 'succeeded' ||",
      },
    ],
  },
  {
    name: 'a truncated download counts as complete',
    patches: [
      {
        file: 'functions/deliver/part/results-agreement.ts',
        anchor: 'if (reading.rowsWithLine === reading.rows) return true;',
        replacement: 'if (reading.rowsWithLine > 0) return true;',
      },
    ],
  },
  {
    name: 'a 404 for a result file is believed',
    patches: [
      {
        file: 'functions/deliver/part/results-agreement.ts',
        anchor: 'if (isReleased(part)) return true;',
        replacement:
          "if (isReleased(part) || reading.problems.some((why) => why.includes('404'))) return true;",
      },
    ],
  },
  {
    name: 'result files are deleted before their results agree',
    patches: [
      {
        file: 'functions/shared/lifecycle/spending/files-at-api.ts',
        anchor: '({ fileId }) => !doubtful.has(fileId)',
        replacement: '({ fileId }) => fileId !== undefined || doubtful.has(fileId)',
      },
    ],
  },
  {
    name: 'a resumed scan skips a line that it never checked',
    patches: [
      {
        file: 'functions/shared/scanner/line-scanner.ts',
        anchor: 'return { offset: this.#offset, linesBefore',
        replacement: 'return { offset: this.#offset + this.#filled - this.#buffer, linesBefore',
      },
    ],
  },
  {
    name: 'a resumed scan has lost the ids that it had seen',
    patches: [
      {
        file: 'functions/shared/request-file/request-file-scan.ts',
        anchor: 'const ids = await CustomIdIndex.restored(facts.ids, source);',
        replacement: 'await CustomIdIndex.restored(facts.ids, source);\n    const ids = new CustomIdIndex();',
      },
    ],
  },
  {
    name: 'an admitted part uses capacity only once its batch is known',
    patches: [
      {
        file: 'functions/poll/admission/admit-parts.ts',
        anchor: "    case 'creating':\n      return part.admission ? 'pending' : 'over';",
        replacement: "    case 'creating':\n      return 'over';",
      },
    ],
  },
  {
    name: 'younger parts overtake parts that do not fit',
    patches: [
      {
        file: 'functions/poll/admission/capacity.ts',
        anchor: '        if (!this.#letsOthersPass(part, now)) this.#standing.add(part.model);\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a share starves: what it was given does not count',
    patches: [
      {
        file: 'functions/poll/admission/fair-turns.ts',
        anchor: '(this.#leads[name] ?? 0) + (gained.get(name) ?? 0) - average;',
        replacement: '0 * average * (gained.get(name) ?? 0);',
      },
    ],
  },
  {
    name: 'what runs is stopped as soon as what it reserved is the budget, too',
    patches: [
      {
        file: 'functions/shared/domain/money/budget.ts',
        anchor:
          'const settled = spending.charges.filter((charge) => charge.settled !== undefined);\n  const spent',
        replacement: 'const settled = spending.charges;\n  const spent',
      },
    ],
  },
  {
    name: 'an attempt is settled twice',
    patches: [
      {
        file: 'functions/shared/domain/money/budget.ts',
        anchor: 'charges: charges.filter((one) => one !== charge),',
        replacement: 'charges,',
      },
    ],
  },
  {
    name: 'a reservation is lost on a crash: it is written after the parts begin',
    patches: [
      {
        file: 'functions/poll/admission/admit-parts.ts',
        anchor: '...(budget ? { spending: budget.after(chosen) } : {}),',
        replacement: '...(budget ? { spending: budget.after([]) } : {}),',
      },
      {
        file: 'functions/poll/admission/admit-parts.ts',
        anchor:
          'await inParallel([...unaware, ...chosen.map(asAdmitted)], AT_ONCE, (one) => admit(deps, one));',
        replacement:
          'await inParallel([...unaware, ...chosen.map(asAdmitted)], AT_ONCE, (one) => admit(deps, one));\n  if (budget) await ledger.replaceAdmissions({ ...(await ledger.readAdmissions()), spending: budget.after(chosen) });',
      },
    ],
  },
  {
    name: 'the estimate is settled in place of the cost',
    patches: [
      {
        file: 'functions/poll/admission/charges.ts',
        anchor: 'decimalOf(outcome.cost);',
        replacement: "(charge.high ?? '0');",
      },
    ],
  },
  {
    name: 'there is one breaker for all refusals',
    patches: [
      {
        file: 'functions/shared/domain/waiting/breaker.ts',
        anchor: 'one.for === reason && one.operation === operation && isSame(one.account, account);',
        replacement: 'isSame(one.account, account);',
      },
    ],
  },
  {
    name: 'POLL serves one item after the other',
    patches: [
      {
        file: 'functions/poll/due-items.ts',
        anchor: 'await inParallel(this.#items, AT_ONCE,',
        replacement: 'await inParallel(this.#items, 1,',
      },
    ],
  },
  {
    name: 'a request file gets the tag of an ended job when its rows are planned',
    patches: [
      {
        file: 'functions/intake/intake-job.ts',
        anchor: '  const plan: Plan = { planId, parts: parts.length, rows, groups, estimate };\n',
        replacement:
          '  const plan: Plan = { planId, parts: parts.length, rows, groups, estimate };\n  await deps.requestFiles.tagEnded(leased.item.request);\n',
      },
    ],
  },
  {
    name: 'rejected PutEvents entries are ignored',
    patches: [
      {
        file: 'functions/shared/lifecycle/publish.ts',
        anchor: 'if (refused.length > 0)',
        replacement: 'if (refused.length < 0)',
      },
    ],
  },
  {
    name: 'an odd entry of the list voids its page',
    patches: [
      {
        file: 'functions/shared/adapters/openai/batch-response.ts',
        anchor: '    if (batch && batch.batchId !== query.after',
        replacement: '    if (!batch) return undefined;\n    if (batch.batchId !== query.after',
      },
    ],
  },
  {
    name: 'a job and its parts expire a time after its creation',
    patches: [
      {
        file: 'functions/shared/domain/job.ts',
        anchor: 'const expiry = isLastStatus(status) ? { expiresAt: now + KEEP_MS } : {};',
        replacement: 'const expiry = { expiresAt: job.createdAt + KEEP_MS };',
      },
      {
        file: 'functions/shared/lifecycle/compare-and-set.ts',
        anchor: "const { dueAt: _, ...rest } = isOver(job) ? job : without(job, 'expiresAt');",
        replacement: 'const { dueAt: _, ...rest } = isOver(job) || job ? job : job;',
      },
    ],
  },
  {
    name: 'WEBHOOK believes the status that it is told',
    patches: [
      {
        file: 'functions/webhook/observe-now.ts',
        anchor: 'return await observePart(deps, part);',
        replacement:
          "return part.item.batch ? await applyObserved(deps, part, { ...part.item.batch, status: 'completed' }) : false;",
      },
      {
        file: 'functions/webhook/observe-now.ts',
        anchor: "import { observePart } from '../shared/lifecycle/apply-observation.ts';",
        replacement: "import { applyObserved } from '../shared/lifecycle/apply-observation.ts';",
      },
    ],
  },
  {
    name: 'WEBHOOK acknowledges before it saves',
    patches: [
      {
        file: 'functions/webhook/observe-told.ts',
        anchor: '  await observeNow(deps, found, batchId);',
        replacement: '  void observeNow(deps, found, batchId).catch(() => {});',
      },
    ],
  },
  {
    name: 'WEBHOOK verifies the parsed body instead of its bytes',
    patches: [
      {
        file: 'functions/webhook/read-request.ts',
        anchor: "  if (!isUtf8(body)) return { status: 400, said: 'The body is not UTF-8.' };",
        replacement: '  body = Buffer.from(JSON.stringify(JSON.parse(body.toString())));',
      },
      {
        file: 'functions/webhook/read-request.ts',
        anchor: "import { isUtf8 } from 'node:buffer';\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'WEBHOOK drops a webhook that comes before its batch is known',
    patches: [
      {
        file: 'functions/webhook/find-part.ts',
        anchor: '  await deps.ledger.noteEarlyEnd(batchId, now, now + EARLY_END_KEPT_MS);\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a job that is held is let go by a repeated event',
    patches: [
      {
        file: 'functions/intake/handler.ts',
        anchor: '    if (!inHand) return;\n',
        replacement:
          "    if (!inHand) return;\n    if (inHand.item.status === 'unapproved')\n      await inHand.change((job) => ({ ...job, approvedAt: job.createdAt }));\n",
      },
    ],
  },
  {
    name: 'a job that joins one that is held lets it go',
    patches: [
      {
        file: 'functions/intake/join-job.ts',
        anchor:
          "    if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;\n    const rest",
        replacement:
          "    if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;\n    void changeJob(deps, earlier.jobId, (held) =>\n      held.status === 'unapproved' ? { ...held, approvedAt: held.createdAt } : undefined,\n    ).catch(() => undefined);\n    const rest",
      },
      {
        file: 'functions/intake/join-job.ts',
        anchor: "import type { LeasedJob } from '../shared/lifecycle/lease.ts';\n",
        replacement:
          "import { changeJob } from '../shared/lifecycle/compare-and-set.ts';\nimport type { LeasedJob } from '../shared/lifecycle/lease.ts';\n",
      },
    ],
  },
  {
    name: 'the time of a job that is held ends it although it was approved',
    patches: [
      {
        file: 'functions/shared/domain/next-step.ts',
        anchor: "  if (approvedAt !== undefined) return { do: 'accept' };\n",
        replacement: "  if (approvedAt !== undefined && now < hold.until) return { do: 'accept' };\n",
      },
      {
        file: 'functions/shared/lifecycle/job-hold.ts',
        anchor: 'if (approvedAt !== undefined || now < hold.until) return undefined;',
        replacement: 'if (approvedAt !== undefined && now < hold.until) return undefined;',
      },
    ],
  },
];
