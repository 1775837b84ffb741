import { isNews, type UsedRows, withMeasured } from '../../domain/money/measured-rows.ts';
import type { Ports } from '../../ports/ports.ts';

/**
 * Notes in the ledger what the rows of a batch used, if that is news. For functions that know it before POLL, or instead of
 * POLL. It never fails: a conflict or an outage only loses one sample.
 */
export async function noteUsedRows(
  { ledger, clock, log }: Pick<Ports, 'ledger' | 'clock' | 'log'>,
  jobId: string,
  used: UsedRows,
): Promise<void> {
  try {
    const control = await ledger.readControl();
    const { measured = [] } = control;
    const now = clock.now();
    if (!isNews(measured, used, now)) return;
    await ledger.replaceControl({ ...control, measured: withMeasured(measured, used, now) });
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    log.warn('usage_not_noted', { jobId, model: used.model, reason });
  }
}
