import { NO_FILTER } from '../../address/job-filter.ts';
import { addressOf } from '../../address/route.ts';
import type { JobAnswer } from '../../api.ts';
import { useAnswer } from '../../connection/use-answer.ts';
import { useStore } from '../../connection/use-store.ts';
import { useConsole } from '../../console-context.ts';
import { Empty, FailureNotice, Notice } from '../../parts/notice.tsx';
import { JobBatches } from './job-batches.tsx';
import { JobCost } from './job-cost.tsx';
import { JobDetails, JobFiles, JobTimeline } from './job-details.tsx';
import { ErrorKinds, FileFindings } from './job-errors.tsx';
import { JobHead } from './job-head.tsx';
import { JobOutcome } from './job-outcome.tsx';
import { JobSamples } from './job-samples.tsx';

/** All about one job. It is asked again each time that the stream says that it changed. */
export function JobPage({ jobId }: { jobId: string }) {
  const { api, feed } = useConsole();
  const row = useStore(feed.state).jobs.find((job) => job.jobId === jobId);
  const { answer, failure, askAgain } = useAnswer(() => api.job(jobId), [jobId, row]);
  const known = answer?.job.jobId === jobId ? answer : undefined;
  return (
    <div class="page job-page">
      <p class="way-back">
        <a href={addressOf({ page: 'jobs', filter: NO_FILTER })}>Jobs</a>
      </p>
      {failure && failure.code !== 'no_such_job' && <FailureNotice failure={failure} onRetry={askAgain} />}
      {failure?.code === 'no_such_job' && <UnknownJob />}
      {known && <KnownJob known={known} onChange={askAgain} />}
      {!known && !failure && <Empty title="Reading the job…" />}
    </div>
  );
}

/** A job is in the ledger a moment after its upload. The stream then brings it, and it is asked again. */
function UnknownJob() {
  return (
    <Empty title="The ledger has no such job yet">
      <p>
        A file that was just uploaded appears here within seconds. Otherwise, check the id in the address.
      </p>
    </Empty>
  );
}

function KnownJob({ known, onChange }: { known: JobAnswer; onChange: () => void }) {
  const { job, nextStep } = known;
  return (
    <>
      <JobHead known={known} onChange={onChange} />
      {nextStep !== '' && !isDone(known) && (
        <Notice tone={job.stalled || job.status === 'unapproved' ? 'warning' : 'quiet'}>
          <p>{nextStep}</p>
        </Notice>
      )}
      <div class="columns">
        <div class="main-column">
          <JobOutcome known={known} />
          {known.findings && <FileFindings findings={known.findings} />}
          {known.errorKinds.length > 0 && <ErrorKinds kinds={known.errorKinds} />}
          {known.parts.length > 0 && <JobBatches known={known} />}
          {known.costByModel.length > 0 && <JobCost known={known} />}
          {job.rows && job.rows.total > 0 && <JobSamples job={job} />}
        </div>
        <div class="side-column">
          <JobTimeline known={known} />
          {known.files.length > 0 && <JobFiles known={known} />}
          <JobDetails known={known} />
        </div>
      </div>
    </>
  );
}

/** Every row succeeded: nothing is left to say. */
function isDone({ job }: JobAnswer): boolean {
  return job.status === 'completed' && job.rows?.succeeded === job.rows?.total;
}
