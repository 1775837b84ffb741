import type { Credentials } from '../aws/iam/signature.ts';
import { LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import type { FunctionSpec } from './function-spec.ts';

/**
 * Returns the whole environment of a function process: the template's variables and Lambda's own. Nothing else is
 * inherited, so no secret of the shell reaches a function. The access key identifies the function to the endpoint.
 */
export function functionEnvironment(
  spec: FunctionSpec,
  { endpointUrl, credentials }: { endpointUrl: string; credentials: Credentials },
): Record<string, string> {
  return {
    ...spec.environment,
    _HANDLER: spec.handler,
    LAMBDA_TASK_ROOT: spec.codeDirectory,
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: spec.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL: endpointUrl,
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
  };
}
