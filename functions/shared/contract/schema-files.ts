import type { JsonSchema } from './json-schema.ts';
import { openApiOf } from './openapi.ts';
import {
  approvalOutcomeSchema,
  approvalRequestSchema,
  batchStatusChangeSchema,
  cancelOutcomeSchema,
  cancelRequestSchema,
  jobStalledSchema,
  jobStatusChangeSchema,
} from './schemas.ts';

/** The files in the folder `events` of the package, by name. */
export const SCHEMA_FILES: Readonly<Record<string, JsonSchema>> = {
  'batch-status-change.schema.json': batchStatusChangeSchema,
  'job-status-change.schema.json': jobStatusChangeSchema,
  'cancel-outcome.schema.json': cancelOutcomeSchema,
  'approval-outcome.schema.json': approvalOutcomeSchema,
  'job-stalled.schema.json': jobStalledSchema,
  'cancel-request.schema.json': cancelRequestSchema,
  'approval-request.schema.json': approvalRequestSchema,
  'batch-status-change.openapi.json': openApiOf(batchStatusChangeSchema),
  'job-status-change.openapi.json': openApiOf(jobStatusChangeSchema),
  'cancel-outcome.openapi.json': openApiOf(cancelOutcomeSchema),
  'approval-outcome.openapi.json': openApiOf(approvalOutcomeSchema),
  'job-stalled.openapi.json': openApiOf(jobStalledSchema),
};
