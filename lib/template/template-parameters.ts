/**
 * The parameters of the template. A setting is a parameter only if it is nothing but a value: no resource, property or alarm
 * appears, disappears or changes its shape with it, and nothing is computed from it. The other settings are fixed when the
 * template is built (`npm run template -- -c NAME=VALUE`).
 */
import { type CfnParameterProps, Fn, Token } from 'aws-cdk-lib';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';
import { OPENAI_BASE_URL } from '../../functions/shared/contract/base-url.ts';
import type { BatchdropStackProps } from '../batchdrop-stack.ts';
import { DEFAULT_ATTEMPTS, MAX_ATTEMPTS } from '../prop-problems.ts';
import { DEFAULT_API_KEY_SECRET } from '../resources/openai-account.ts';

/** One parameter, and what takes its value. */
export interface TemplateParameter {
  readonly id: string;
  /** The heading in the console, under which it is shown with others. */
  readonly group: string;
  readonly definition: CfnParameterProps;
  /** A warning of the CDK's validation that does not apply. */
  readonly acknowledged?: { readonly id: string; readonly reason: string };
  /** Returns what the stack is built with, so that the value has a place in it. */
  readonly props?: () => BatchdropStackProps;
  /** Lets a construct of the stack take the value. Returns whether it does. */
  readonly apply?: (construct: IConstruct) => boolean;
}

/** The bucket and the prefix to which the archives of the functions were uploaded. */
export const ASSETS = { bucket: 'AssetsBucket', prefix: 'AssetsPrefix' } as const;

const CODE = 'Where the code of the functions is';
const API = 'The Batch API';
const JOBS = 'Jobs';
const LOGS = 'Logs';

const YES_OR_NO = { type: 'String', default: 'no', allowedValues: ['yes', 'no'] };

/** Returns the parameters of the template. Settings that `fixed` contains are no parameters. */
export function templateParameters(fixed: BatchdropStackProps): TemplateParameter[] {
  return [
    ASSETS_BUCKET,
    ASSETS_PREFIX,
    ...(fixed.baseUrl === undefined ? [BASE_URL] : []),
    ...(fixed.apiKeySecretName === undefined ? [API_KEY_SECRET_NAME] : []),
    // Files may expire only after all attempts, which synth checks.
    ...(fixed.maxAttempts === undefined && fixed.expireFilesAfter === undefined ? [ATTEMPTS] : []),
    ...(fixed.rerunMissing === undefined ? [RERUN_MISSING] : []),
    ...(fixed.flatResults === undefined ? [FLAT_RESULTS] : []),
    ...(fixed.keepOpenAiFiles === undefined ? [KEEP_OPENAI_FILES] : []),
    LOG_RETENTION,
  ];
}

const ASSETS_BUCKET: TemplateParameter = {
  id: ASSETS.bucket,
  group: CODE,
  // Without a default, so that CloudFormation asks for it.
  definition: {
    type: 'String',
    description: 'The bucket to which you uploaded the folder functions/, in the region of the stack.',
    allowedPattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
    constraintDescription: 'It must be the name of a bucket.',
  },
};

const ASSETS_PREFIX: TemplateParameter = {
  id: ASSETS.prefix,
  group: CODE,
  // The same for all versions, because an update of a stack keeps the values of its parameters.
  definition: {
    type: 'String',
    description: 'The folder in that bucket that contains functions/. It ends with a slash, or is empty.',
    default: 'batchdrop/',
    allowedPattern: '^([^/].*/)?$',
    constraintDescription: 'It must end with a slash and must not begin with one, or be empty.',
  },
};

const BASE_URL: TemplateParameter = {
  id: 'BaseUrl',
  group: API,
  definition: {
    type: 'String',
    description: "Base URL of an API with OpenAI's Batch protocol. The API key and every row are sent to it.",
    default: OPENAI_BASE_URL,
    allowedPattern: '^https://[^\\s?#@]+$',
    constraintDescription: 'It must begin with https:// and have no user, query and fragment.',
  },
  props: () => ({ baseUrl: Fn.ref('BaseUrl') }),
};

const API_KEY_SECRET_NAME: TemplateParameter = {
  id: 'ApiKeySecretName',
  group: API,
  definition: {
    type: 'String',
    description: 'Name of the secret with the API key, in the account and region of the stack.',
    default: DEFAULT_API_KEY_SECRET,
    allowedPattern: '^[\\w/+=.@-]{1,512}$',
    constraintDescription: 'It must be the name of a secret, not its ARN.',
  },
  acknowledged: {
    id: 'CloudFormation-Validate::W2509',
    reason: 'It is the name of a secret, which everybody may see, and not the secret.',
  },
  props: () => ({ apiKeySecretName: Fn.ref('ApiKeySecretName') }),
};

const ATTEMPTS: TemplateParameter = {
  id: 'MaxAttempts',
  group: JOBS,
  definition: {
    type: 'Number',
    description: 'The maximum number of batches per row. 1 turns reruns off.',
    default: DEFAULT_ATTEMPTS,
    minValue: 1,
    maxValue: MAX_ATTEMPTS,
  },
  apply: asVariable('MAX_ATTEMPTS', 'MaxAttempts'),
};

const RERUN_MISSING: TemplateParameter = {
  id: 'RerunMissing',
  group: JOBS,
  definition: {
    ...YES_OR_NO,
    description:
      'Also runs rows again that are missing from both result files. The API may have run and billed them already.',
  },
  apply: asVariable('RERUN_MISSING', 'RerunMissing'),
};

const FLAT_RESULTS: TemplateParameter = {
  id: 'FlatResults',
  group: JOBS,
  definition: {
    ...YES_OR_NO,
    description: 'Also stores the results of each job as one table, output.csv.',
  },
  props: () => ({ flatResults: true }), // without it, the function has no variable that could take the value
  apply: asVariable('FLAT_RESULTS', 'FlatResults'),
};

const KEEP_OPENAI_FILES: TemplateParameter = {
  id: 'KeepOpenAiFiles',
  group: JOBS,
  definition: { ...YES_OR_NO, description: 'Keeps the uploaded files and the result files at the API.' },
  apply: asVariable('KEEP_OPENAI_FILES', 'KeepOpenAiFiles'),
};

const LOG_RETENTION: TemplateParameter = {
  id: 'LogRetentionDays',
  group: LOGS,
  definition: {
    type: 'Number',
    description: 'How many days the logs of the functions are kept.',
    default: String(RetentionDays.ONE_MONTH), // as text, as the values that are allowed
    allowedValues: Object.values(RetentionDays)
      .filter((days): days is RetentionDays => typeof days === 'number' && days !== RetentionDays.INFINITE)
      .sort((a, b) => a - b)
      .map(String),
  },
  apply: (construct) => {
    if (!(construct instanceof CfnLogGroup)) return false;
    construct.retentionInDays = Token.asNumber(Fn.ref('LogRetentionDays'));
    return true;
  },
};

/** The value of a variable in the environment of each function that has it. */
function asVariable(variable: string, parameter: string): (construct: IConstruct) => boolean {
  return (construct) => {
    if (!(construct instanceof CfnFunction)) return false;
    const { variables = {} } = Object(construct.stack.resolve(construct.environment));
    if (!Object.hasOwn(variables, variable)) return false;
    construct.addPropertyOverride(`Environment.Variables.${variable}`, { Ref: parameter });
    return true;
  };
}
