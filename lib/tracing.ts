import type { ILayerVersion } from 'aws-cdk-lib/aws-lambda';

/**
 * How the functions are traced with OpenTelemetry.
 * @example { layers: [LayerVersion.fromLayerVersionArn(stack, 'Otel', 'arn:aws:lambda:…:layer:…:1')], sendsToXRay: false }
 */
export interface OpenTelemetryTracingProps {
  /**
   * Lambda layers with the OpenTelemetry SDK for Node.js and arm64, at least one, such as `AWSOpenTelemetryDistroJs` of AWS.
   * @example [LayerVersion.fromLayerVersionArn(stack, 'Otel', 'arn:aws:lambda:…:layer:…:1')]
   */
  readonly layers: ILayerVersion[];
  /**
   * Script of the layer that starts the SDK.
   * @default '/opt/otel-instrument' - as the layers of AWS have it; the community's have `/opt/otel-handler`
   * @example '/opt/otel-handler'
   */
  readonly execWrapper?: string | undefined;
  /**
   * Further environment variables for the layer, such as `OTEL_EXPORTER_OTLP_ENDPOINT`. They are visible in the template.
   * @default - none
   * @example { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com' }
   */
  readonly environment?: { readonly [name: string]: string } | undefined;
  /**
   * Whether the layer sends traces to X-Ray. The functions may then write to it.
   * @default true
   * @example false
   */
  readonly sendsToXRay?: boolean | undefined;
}

/**
 * How the functions are traced (docs/tracing.md). The annotations `jobId` and `batchId` find all traces of a job.
 * @example new Batchdrop(stack, 'Batchdrop', { tracing: BatchdropTracing.xRay() });
 */
export class BatchdropTracing {
  /**
   * Traces with AWS X-Ray: active tracing, and annotations without an SDK.
   * @example new Batchdrop(stack, 'Batchdrop', { tracing: BatchdropTracing.xRay() });
   */
  static xRay(): BatchdropTracing {
    return new BatchdropTracing({ BATCHDROP_TRACING: 'xray' }, [], true);
  }

  /**
   * Traces with OpenTelemetry, by Lambda layers of your own. Errors: an Error without layers.
   * @example
   * const layer = LayerVersion.fromLayerVersionArn(stack, 'Otel', 'arn:aws:lambda:…:layer:…:1');
   * new Batchdrop(stack, 'Batchdrop', { tracing: BatchdropTracing.openTelemetry({ layers: [layer] }) });
   */
  static openTelemetry(props: OpenTelemetryTracingProps): BatchdropTracing {
    const { layers, execWrapper = '/opt/otel-instrument', environment = {}, sendsToXRay = true } = props;
    if (layers.length === 0)
      throw new Error('BatchdropTracing.openTelemetry: layers is empty; name the layer with the SDK.');
    return new BatchdropTracing(
      { ...environment, AWS_LAMBDA_EXEC_WRAPPER: execWrapper, BATCHDROP_TRACING: 'otel' },
      layers,
      sendsToXRay,
    );
  }

  /** @internal Environment variables of each function. */
  readonly _environment: { readonly [name: string]: string };
  /** @internal Layers of each function. */
  readonly _layers: ILayerVersion[];
  /** @internal Whether the functions may write to X-Ray. */
  readonly _sendsToXRay: boolean;

  private constructor(
    environment: { readonly [name: string]: string },
    layers: ILayerVersion[],
    sendsToXRay: boolean,
  ) {
    this._environment = environment;
    this._layers = layers;
    this._sendsToXRay = sendsToXRay;
  }
}
