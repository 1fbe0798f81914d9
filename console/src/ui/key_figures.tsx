import { histories, status } from '../feed/store';
import { count, duration, figure, fixed } from '../model/format';
import type { History } from '../model/history';
import { Sparkline } from './sparkline';

export function KeyFigures() {
  const now = status.value;
  return (
    <section class="figures" aria-label="Key figures" data-testid="key-figures">
      <Figure
        name="Events in"
        text={now ? figure(now.events_in_per_s) : null}
        unit="/s"
        note={now ? `${fixed(now.events_in_total, 0)} in all` : null}
        history={histories.eventsIn}
        id="events-in"
      />
      <Figure
        name="Events out"
        text={now ? figure(now.events_out_per_s) : null}
        unit="/s"
        note={now ? `${fixed(now.events_out_total, 0)} in all` : null}
        history={histories.eventsOut}
        id="events-out"
      />
      <Figure
        name="Lag"
        text={now ? count(now.lag_events) : null}
        unit={now?.lag_events === 1 ? 'event' : 'events'}
        note="not yet processed"
        history={histories.lag}
        id="lag"
      />
      <Figure
        name="Watermark delay"
        {...split(now?.watermark_delay_ms == null ? null : duration(now.watermark_delay_ms))}
        note={now && now.watermark_delay_ms === null ? 'no job with event time' : 'slowest job behind now'}
        history={histories.watermarkDelay}
        id="watermark-delay"
      />
    </section>
  );
}

/** `5.0 s` as number and unit; a longer duration is all number. */
function split(text: string | null): { text: string | null; unit: string } {
  const [, number, unit] = /^(\S+) (\S+)$/.exec(text ?? '') ?? [];
  return number === undefined || unit === undefined ? { text, unit: '' } : { text: number, unit };
}

interface FigureProps {
  name: string;
  text: string | null;
  unit: string;
  note: string | null;
  history: History;
  id: string;
}

function Figure({ name, text, unit, note, history, id }: FigureProps) {
  return (
    <div class="figure" data-testid={`figure-${id}`}>
      <div class="figure-name">{name}</div>
      <div class="figure-value">
        <span data-testid={`value-${id}`}>{text ?? '–'}</span>
        {text !== null && unit !== '' && <span class="unit">{unit}</span>}
      </div>
      <div class="figure-note">{note ?? ' '}</div>
      <Sparkline samples={history.samples} />
    </div>
  );
}
