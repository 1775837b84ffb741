/** Downloads of a job's files, through the console: the page never gets a presigned URL, which would work without it. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ResultFile } from '../../console/api.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import { resultFileKeys } from '../../functions/shared/contract/result-keys.ts';
import { isAbsent } from '../../functions/shared/adapters/s3/object.ts';
