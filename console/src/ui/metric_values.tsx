import { nowMs } from '../feed/store';
import type { Metric, ViewFeed } from '../feed/view_feed';
import { measure } from '../model/format';
import { Sparkline } from './sparkline';

/** The values of a metric view, each large with its last five minutes. */
export function MetricValues({ feed }: { feed: ViewFeed }) {
  nowMs.value; // the past moves on even when the value stands still
  return (
    <div class="metrics">
      {[...feed.metrics.values()].map((metric) => (
        <Value key={metric.name} metric={metric} alone={feed.metrics.size === 1} />
      ))}
    </div>
  );
}

function Value({ metric, alone }: { metric: Metric; alone: boolean }) {
  const { samples } = metric.history;
  return (
    <div class="metric">
      <div class="metric-numbers">
        {!alone && <div class="figure-name">{metric.name}</div>}
        <div class="metric-value" data-testid="metric-value" data-value={metric.value}>
          {metric.value === null ? '–' : measure(metric.value)}
        </div>
        <div class="figure-note">
          {samples.length > 1
            ? `${measure(Math.min(...samples))} to ${measure(Math.max(...samples))}, last 5 min`
            : ' '}
        </div>
      </div>
      <Sparkline samples={samples} />
    </div>
  );
}
