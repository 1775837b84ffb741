import type { Template } from 'aws-cdk-lib/assertions';
import { at, list, resources } from '../template-reading.ts';

/** A widget as CloudWatch receives it, with references as construct paths. */
export interface Widget {
  type: string;
  /** In columns and rows of the page, which has 24 columns. */
  x: number;
  y: number;
  width: number;
  height: number;
  title: string;
  properties: unknown;
}

/** Returns the widgets of the only dashboard. Errors: an Error if there is no dashboard or a second one. */
export function widgetsIn(template: Template): Widget[] {
  const [page, ...others] = resources(template, 'AWS::CloudWatch::Dashboard');
  if (page === undefined || others.length > 0) throw new Error('there is not exactly one dashboard');
  const pieces = list(at(page.Properties, 'DashboardBody', 'Fn::Join', 1));
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : refName(piece))).join('');
  return list(at(JSON.parse(text), 'widgets')).map((widget) => ({
    ...Object(widget),
    title: String(at(widget, 'properties', 'title')),
  }));
}

function refName(piece: unknown): string {
  const id = at(piece, 'Ref') ?? at(piece, 'Fn::GetAtt', 0);
  return String(id)
    .replace(/^Batchdrop/, '')
    .replace(/[0-9A-F]{8}$/, '');
}
