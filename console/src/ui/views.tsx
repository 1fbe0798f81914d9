import { useSignal } from '@preact/signals';
import { feeds, phase } from '../feed/store';
import type { ViewFeed } from '../feed/view_feed';
import { ViewPanel } from './view_panel';

/** More panels than this are followed only when asked for. */
const PANELS_AT_FIRST = 24;

export function Views() {
  const all = useSignal(false);
  const list = feeds.value;
  if (list === null) return <Waiting />;
  if (list.length === 0) return <NoViews />;
  const shown = all.value ? list : list.slice(0, PANELS_AT_FIRST);
  const metrics = shown.filter((feed) => feed.layout().shape.kind === 'metric');
  const panels = shown.filter((feed) => !metrics.includes(feed));
  return (
    <section aria-label="Materialized views" data-testid="views" data-count={list.length}>
      {metrics.length > 0 && <div class="metric-grid">{metrics.map(panel)}</div>}
      {panels.length > 0 && <div class="panel-grid">{panels.map(panel)}</div>}
      {shown.length < list.length && (
        <button type="button" class="button" onClick={() => (all.value = true)}>
          Show all {list.length} views
        </button>
      )}
    </section>
  );
}

function panel(feed: ViewFeed) {
  return <ViewPanel key={feed.name} feed={feed} />;
}

function Waiting() {
  return (
    <section class="blank" data-testid="waiting">
      <h2>{phase.value === 'reconnecting' ? 'Penstock does not answer' : 'Connecting'}</h2>
      {phase.value === 'reconnecting' && (
        <p>
          Is the server running at <b>{location.host}</b>? This page keeps trying and needs no reload.
        </p>
      )}
    </section>
  );
}

const example = `CREATE MATERIALIZED VIEW spend_per_minute AS
SELECT window_start, category, SUM(amount) AS total
FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, category;`;

function NoViews() {
  return (
    <section class="blank" data-testid="no-views">
      <h2>No views yet</h2>
      <p>
        Every materialized view appears here as soon as it is created, in <code>penstock sql</code> or any
        PostgreSQL client:
      </p>
      <pre class="sql">{example}</pre>
      <p>
        <code>penstock demo</code> shows a running example.
      </p>
    </section>
  );
}
