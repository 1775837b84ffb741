import { useAnswer } from '../../connection/use-answer.ts';
import { useConsole } from '../../console-context.ts';
import { Empty, FailureNotice } from '../../parts/notice.tsx';
import { DetectionLatency } from './detection-latency.tsx';
import { HealthChecks } from './health-checks.tsx';
import { RowsPerHour } from './rows-per-hour.tsx';
import { Spending } from './spending-chart.tsx';
import { OpenBatches, Waiting } from './work-at-hand.tsx';

/** How the whole of it runs. */
export function OverviewPage() {
  const { api } = useConsole();
  const { answer, failure, askAgain } = useAnswer(() => api.overview(), []);
  return (
    <div class="page">
      <header class="page-head">
        <h1>Overview</h1>
        <button type="button" onClick={askAgain}>
          Refresh
        </button>
      </header>
      {failure && <FailureNotice failure={failure} onRetry={askAgain} />}
      {!answer && !failure && <Empty title="Reading the ledger…" />}
      <div class="overview">
        {answer && (
          <>
            <OpenBatches batches={answer.openBatches} />
            <Waiting {...answer} />
            <RowsPerHour hours={answer.rowsPerHour} />
            <Spending {...answer} />
            <DetectionLatency detection={answer.detection} />
          </>
        )}
        <HealthChecks />
      </div>
    </div>
  );
}
