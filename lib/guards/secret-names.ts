import { Token } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { BatchdropProps } from '../batchdrop-props.ts';
import { beginsAsKey, holdsKey } from './shown.ts';
import { propertiesOf, resourceOf } from './template-resource.ts';

const REVOKE = 'If this is a key, revoke it, because others may have seen the code.';

/** Yields secrets whose name is a key, without the name. A template shows names to everybody who may read the stack. */
export function* secretProblems(props: Pick<BatchdropProps, 'apiKeySecret' | 'webhook'>): Generator<string> {
  for (const [prop, secret] of secretsOf(props)) {
    const { secretName } = secret;
    if (Token.isUnresolved(secretName) || !(beginsAsKey(secretName) || holdsKey(secretName))) continue;
    yield `${prop} has a name that looks like a key (not shown); set the secret that contains the key, by its name, such as batchdrop/openai. ${REVOKE}`;
  }
}

/** Returns secrets of the app whose value is plain text in the template. The value may be set after the Batchdrop. */
export function plainSecretProblems(props: Pick<BatchdropProps, 'apiKeySecret' | 'webhook'>): string[] {
  return secretsOf(props).flatMap(([prop, secret]) => {
    const resource = resourceOf('AWS::SecretsManager::Secret', secret.node.defaultChild);
    const text = resource && propertiesOf(resource).SecretString;
    if (typeof text !== 'string' || !(beginsAsKey(text) || holdsKey(text))) return [];
    return `${prop} ${secret.node.path} has its value in the template, where everybody who may read the stack sees it; create the secret without a value, and store the key with aws secretsmanager put-secret-value. ${REVOKE}`;
  });
}

function secretsOf({ apiKeySecret, webhook }: Pick<BatchdropProps, 'apiKeySecret' | 'webhook'>) {
  const secrets: [prop: string, secret: ISecret][] = [];
  if (apiKeySecret) secrets.push(['apiKeySecret', apiKeySecret]);
  if (webhook?.secret) secrets.push(['webhook.secret', webhook.secret]);
  return secrets;
}
