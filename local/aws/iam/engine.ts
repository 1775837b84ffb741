import type { IncomingMessage, ServerResponse } from 'node:http';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { type QueryProtocol, queryList, serveQuery, textsIn } from '../protocol/query-protocol.ts';
import type { Authorizer } from './authorizer.ts';
import type { Caller } from './caller.ts';

/** IAM's words for what a role's own policies say. */
const DECISIONS = {
  allowed: 'allowed',
  'denied explicitly': 'explicitDeny',
  'not allowed': 'implicitDeny',
} as const;

/** IAM on the endpoint: only the simulation of the policies of a role. As on AWS, it leaves out the policies of resources. */
export class IamEngine implements AwsService {
  readonly signingName = 'iam';
  readonly #protocol: QueryProtocol;

  constructor({ authorizer }: { authorizer: Pick<Authorizer, 'simulate'> }) {
    this.#protocol = {
      signingName: this.signingName,
      namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
      resourceOf: (form) => form.get('PolicySourceArn') ?? '*',
      operations: {
        SimulatePrincipalPolicy: (form) => {
          const roleArn = form.get('PolicySourceArn') ?? '';
          const resources = textsIn(form, 'ResourceArns');
          const results = textsIn(form, 'ActionNames').flatMap((action) =>
            (resources.length > 0 ? resources : ['*']).map((resource) => {
              const verdict = authorizer.simulate(roleArn, { action, resource });
              if (verdict === undefined) throw noSuchRole(roleArn);
              return {
                EvalActionName: action,
                EvalResourceName: resource,
                EvalDecision: DECISIONS[verdict],
              };
            }),
          );
          return { EvaluationResults: queryList(results), IsTruncated: false };
        },
      },
    };
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    return serveQuery(this.#protocol, request, response, caller);
  }

  async close(): Promise<void> {}
}

function noSuchRole(roleArn: string): AwsError {
  return new AwsError('NoSuchEntity', `The role ${roleArn} cannot be found.`, { status: 404 });
}
