import { type Signal, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Row } from '../feed/contract';
import { status } from '../feed/store';
import type { ViewFeed } from '../feed/view_feed';
import { fixed } from '../model/format';
import { DataTable } from './data_table';
import { MetricValues } from './metric_values';
import { Ranking } from './ranking';
import { TimeChart } from './time_chart';

type Face = 'picture' | 'table' | 'sql';

export function ViewPanel({ feed }: { feed: ViewFeed }) {
  const version = feed.version.value;
  const view = feed.view.value;
  const { columns, shape } = feed.layout();
  const face = useSignal<Face>('picture');
  const measure = useSignal(0);
  const shown = shape.kind === 'table' && face.value === 'picture' ? 'table' : face.value;
  const position = shape.measures[Math.min(measure.value, shape.measures.length - 1)] ?? 0;
  const rows = useMemo(() => rowsOf(feed), [feed, version]);
  const drawn = { feed, rows, shape, columns, measure: position };
  const state = feed.trouble.value?.kind ?? (feed.rows.ready ? 'live' : 'loading');
  return (
    <article
      class={`panel panel-${shape.kind}`}
      aria-label={view.name}
      data-testid="view"
      data-view={view.name}
      data-kind={shape.kind}
      data-face={shown}
      data-state={state}
      data-epoch={feed.rows.ready ? feed.rows.epoch : ''}
      data-rows={feed.rows.size}
    >
      <div class="panel-head">
        <h2 title={view.name}>{view.name}</h2>
        {shown === 'picture' && shape.kind !== 'metric' && shape.measures.length > 1 && (
          <MeasureChoice names={shape.measures.map((index) => columns[index]?.name ?? '')} choice={measure} />
        )}
        <FaceChoice kind={shape.kind} shown={shown} face={face} name={view.name} />
      </div>
      <Problem feed={feed} />
      {shown === 'sql' ? (
        <pre class="sql" tabIndex={0}>
          {view.sql}
        </pre>
      ) : !feed.rows.ready ? (
        <p class="panel-blank">{feed.trouble.value ? '' : 'Waiting for the first snapshot'}</p>
      ) : rows.length === 0 ? (
        <p class="panel-blank">
          No rows yet.{' '}
          {shape.kind === 'time'
            ? 'A window appears when the watermark has passed its end.'
            : 'Rows appear as events arrive.'}
        </p>
      ) : shown === 'table' ? (
        <DataTable feed={feed} version={version} shape={shape} columns={columns} />
      ) : shape.kind === 'metric' ? (
        <MetricValues feed={feed} />
      ) : shape.kind === 'time' ? (
        <TimeChart {...drawn} />
      ) : (
        <Ranking {...drawn} showTable={() => (face.value = 'table')} />
      )}
      {shape.kind !== 'metric' && feed.rows.ready && (
        <p class="panel-foot">
          {fixed(feed.rows.size, 0)} {feed.rows.size === 1 ? 'row' : 'rows'}
          <span>epoch {fixed(feed.rows.epoch, 0)}</span>
        </p>
      )}
    </article>
  );
}

function rowsOf(feed: ViewFeed): Row[] {
  const rows: Row[] = [];
  feed.rows.forEach((row) => {
    rows.push(row);
  });
  return rows;
}

const pictureNames = { metric: 'Value', time: 'Chart', ranking: 'Bars', table: '' };

interface FaceChoiceProps {
  kind: keyof typeof pictureNames;
  shown: Face;
  face: Signal<Face>;
  name: string;
}

function FaceChoice({ kind, shown, face, name }: FaceChoiceProps) {
  const faces: [Face, string][] = [
    ['picture', pictureNames[kind]],
    ['table', 'Table'],
    ['sql', 'SQL'],
  ];
  return (
    <fieldset class="segments" data-testid="face">
      <legend class="sr-only">Show {name} as</legend>
      {faces
        .filter(([, title]) => title !== '')
        .map(([value, title]) => (
          <button
            type="button"
            key={value}
            aria-pressed={shown === value}
            onClick={() => (face.value = value)}
            data-face-choice={value}
          >
            {title}
          </button>
        ))}
    </fieldset>
  );
}

function MeasureChoice({ names, choice }: { names: string[]; choice: Signal<number> }) {
  return (
    <label class="measure-choice">
      <span class="sr-only">Measure</span>
      <select
        value={choice.value}
        onChange={(event) => (choice.value = Number(event.currentTarget.value))}
        data-testid="measure"
      >
        {names.map((name, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What keeps this panel from being the truth: its subscription, or the job behind it. */
function Problem({ feed }: { feed: ViewFeed }) {
  const trouble = feed.trouble.value;
  const job = status.value?.jobs.find((job) => job.kind === 'view' && job.name === feed.name);
  if (trouble?.kind === 'large') {
    return (
      <div class="note" data-testid="problem">
        <p>
          {fixed(trouble.rows, 0)} rows are too many to follow in a browser unasked. Aggregate them in a
          further view, or query them with SQL.
        </p>
        <button type="button" class="button" onClick={() => feed.insist()}>
          Follow anyway
        </button>
      </div>
    );
  }
  const message =
    trouble?.kind === 'error'
      ? `The server refused this view: ${trouble.message}`
      : trouble?.kind === 'dropped'
        ? 'This view was dropped.'
        : job?.state === 'failed'
          ? `The job of this view has failed: ${job.error ?? 'no reason given'}. The rows below are no longer updated.`
          : null;
  if (message === null) return null;
  return (
    <p class="note note-bad" role="alert" data-testid="problem">
      {message}
    </p>
  );
}
