import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Aws, CfnParameter, Validations } from 'aws-cdk-lib';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { BatchdropStack } from '../batchdrop-stack.ts';
import { readContext } from '../context.ts';
import { NAMED_BY_CLOUDFORMATION } from '../resources/instance-name.ts';
import { DEFAULT_WEBHOOK_SECRET } from '../stages/webhooks.ts';
import { letPeopleSubscribe } from './subscribable-alarms.ts';
import { type TemplateParameter, templateParameters } from './template-parameters.ts';
import { TemplateSynthesizer } from './template-synthesizer.ts';

/** Of each stack: `batchdrop webhook enable` would store the signing secret of one stack in the place of another's. */
const OWN_WEBHOOK_SECRET = `${DEFAULT_WEBHOOK_SECRET}/${Aws.STACK_NAME}`;

/** A template and the archives that it deploys. */
export interface SynthesizedTemplate {
  /** JSON. */
  readonly template: string;
  /** The archives by their paths in the bucket, after the prefix. */
  readonly archives: ReadonlyMap<string, Buffer>;
}

interface TemplateOptions {
  readonly version: string;
  /** What is fixed in the template, by names as in `cdk deploy -c`. */
  readonly context?: Readonly<Record<string, string>>;
  /** Settings of the CDK itself, and where the bundles are. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Whether the CDK validates the template, which takes seconds. */
  readonly validate?: boolean;
}

/**
 * Synthesizes the template of a stack with one Batchdrop, for accounts without the CDK. Errors: an Error for context that
 * is unknown or wrong, and the construct's Error for invalid values.
 */
export function synthesizeTemplate(options: TemplateOptions): SynthesizedTemplate {
  const outdir = mkdtempSync(join(tmpdir(), 'batchdrop-template-'));
  try {
    const app = new App({
      outdir,
      analyticsReporting: false,
      builtinCloudFormationValidation: options.validate ?? false,
      context: { ...cdkJson.context, ...options.context, ...options.more, [NAMED_BY_CLOUDFORMATION]: true },
    });
    const { props, unknown } = readContext(app.node);
    if (unknown.length > 0) throw new Error(`context ${unknown.join(', ')} is unknown.`);
    if (props.stackName !== undefined)
      throw new Error('context stackName is set; name the stack when you create it from the template.');
    const parameters = templateParameters(props);
    const synthesizer = new TemplateSynthesizer();
    const stack = new BatchdropStack(app, 'Batchdrop', {
      ...props,
      ...(props.webhook && { webhookSecretName: props.webhookSecretName ?? OWN_WEBHOOK_SECRET }),
      ...Object.assign({}, ...parameters.map((parameter) => parameter.props?.() ?? {})),
      description: `Batchdrop ${options.version}: runs request files through the OpenAI Batch API`,
      synthesizer,
    });
    addParameters(stack, parameters);
    if (props.alarmEmail === undefined && stack.batchdrop.alarms.length > 0) letPeopleSubscribe(stack);
    app.synth();
    const template = readFileSync(join(outdir, stack.templateFile), 'utf8');
    return { template, archives: synthesizer.archives };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function addParameters(stack: BatchdropStack, parameters: readonly TemplateParameter[]): void {
  for (const { id, definition, acknowledged } of parameters) {
    new CfnParameter(stack, id, definition);
    if (acknowledged) Validations.of(stack).acknowledge(acknowledged); // the CDK reports it for the stack
  }
  for (const parameter of parameters) applyTo(stack, parameter);
  stack.templateOptions.metadata = { 'AWS::CloudFormation::Interface': consoleInterface(parameters) };
}

function applyTo(stack: BatchdropStack, { id, apply }: TemplateParameter): void {
  if (apply === undefined) return;
  if (!stack.node.findAll().map(apply).includes(true)) throw new Error(`nothing takes the parameter ${id}`);
}

/** Groups the parameters in the console, in the order of the list. */
function consoleInterface(parameters: readonly TemplateParameter[]) {
  const groups = Object.entries(Object.groupBy(parameters, ({ group }) => group));
  return {
    ParameterGroups: groups.map(([label, its = []]) => ({
      Label: { default: label },
      Parameters: its.map(({ id }) => id),
    })),
  };
}
