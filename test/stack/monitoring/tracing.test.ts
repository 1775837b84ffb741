import { Duration, type Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import type { Batchdrop } from '../../../lib/batchdrop.ts';
import { BatchdropTracing } from '../../../lib/tracing.ts';
import { synthesize } from '../synthesis.ts';
import { at, list, permissionsIn, resources } from '../template-reading.ts';

const LAYER = 'arn:aws:lambda:eu-central-1:111111111111:layer:AWSOpenTelemetryDistroJs:1';

/** Uses everything that has a function. */
const waits = (batchdrop: Batchdrop, stack: Stack) =>
  batchdrop.startAndWait(stack, 'Run', {
    sourceBuckets: [Bucket.fromBucketName(stack, 'Source', 'their-files')],
    timeout: Duration.days(4),
  });
const functionsIn = (template: Template) =>
  resources(template, 'AWS::Lambda::Function').map(({ Properties }) => ({
    mode: at(Properties, 'TracingConfig', 'Mode'),
    layers: list(at(Properties, 'Layers')),
    environment: Object(at(Properties, 'Environment', 'Variables')),
  }));
const tracesGranted = (template: Template) =>
  permissionsIn(template).filter(({ action }) => action.startsWith('xray:'));

describe('without tracing', () => {
  it('the template has nothing of it', () => {
    expect(JSON.stringify(synthesize({}, waits).toJSON())).not.toMatch(/xray|tracing|otel/i);
  });
});

describe('with X-Ray', () => {
  const template = synthesize({ webhook: {}, tracing: BatchdropTracing.xRay() }, waits);

  it('every function is traced, knows it, and may write traces and nothing more', () => {
    const functions = functionsIn(template);
    expect(functions).toHaveLength(9);
    for (const { mode, layers, environment } of functions) {
      expect({ mode, layers, tracing: environment.BATCHDROP_TRACING }).toEqual({
        mode: 'Active',
        layers: [],
        tracing: 'xray',
      });
    }
    const granted = tracesGranted(template);
    expect(new Set(granted.map(({ role }) => role)).size).toBe(9);
    expect(new Set(granted.map(({ action, resource }) => `${action} ${resource}`))).toEqual(
      new Set(['xray:PutTraceSegments *', 'xray:PutTelemetryRecords *']),
    );
  });
});

describe('with OpenTelemetry', () => {
  const layered = (stack: Stack) => [LayerVersion.fromLayerVersionArn(stack, 'Layer', LAYER)];

  it('every function has the layer, its script and its variables', () => {
    const template = synthesize((stack) => ({
      tracing: BatchdropTracing.openTelemetry({
        layers: layered(stack),
        environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com' },
      }),
    }));
    for (const { mode, layers, environment } of functionsIn(template)) {
      expect({ mode, layers }).toEqual({ mode: 'Active', layers: [LAYER] });
      expect(environment).toMatchObject({
        BATCHDROP_TRACING: 'otel',
        AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-instrument',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com',
      });
    }
    expect(tracesGranted(template).length).toBeGreaterThan(0);
  });

  it('no function may write to X-Ray if the layer sends elsewhere', () => {
    const template = synthesize((stack) => ({
      tracing: BatchdropTracing.openTelemetry({
        layers: layered(stack),
        execWrapper: '/opt/otel-handler',
        sendsToXRay: false,
      }),
    }));
    expect(tracesGranted(template)).toEqual([]);
    for (const { mode, environment } of functionsIn(template)) {
      expect(mode).toBeUndefined();
      expect(environment.AWS_LAMBDA_EXEC_WRAPPER).toBe('/opt/otel-handler');
    }
  });

  it('needs a layer', () => {
    expect(() => BatchdropTracing.openTelemetry({ layers: [] })).toThrow('name the layer with the SDK');
  });
});
