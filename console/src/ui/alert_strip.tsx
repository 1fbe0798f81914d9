import type { Alert } from '../feed/contract';
import { alerts, nowMs } from '../feed/store';
import { age, cell, label, measure, moment } from '../model/format';
import { zone } from '../preferences';

const FIRING_SHOWN_MAX = 20;
const RESOLVED_SHOWN_MAX = 4;

export function AlertStrip() {
  if (alerts.value === null) return null;
  const firing = alerts.value.filter((alert) => alert.state === 'firing').sort(worstFirst);
  const resolved = alerts.value
    .filter((alert) => alert.state === 'resolved')
    .sort((a, b) => (b.resolved_at ?? '').localeCompare(a.resolved_at ?? ''))
    .slice(0, RESOLVED_SHOWN_MAX);
  return (
    <section class="alerts" aria-label="Alerts" data-testid="alerts" data-firing={firing.length}>
      <p class="sr-only" role="status">
        {firing.length === 0
          ? 'No alerts firing'
          : `Firing: ${firing.map((alert) => alert.alert).join(', ')}`}
      </p>
      {firing.length > 0 && (
        <ul class="firing">
          {firing.slice(0, FIRING_SHOWN_MAX).map((alert) => (
            <Firing key={`${alert.alert} ${alert.key}`} alert={alert} />
          ))}
        </ul>
      )}
      {firing.length > FIRING_SHOWN_MAX && (
        <p class="quiet">and {firing.length - FIRING_SHOWN_MAX} more firing</p>
      )}
      {(firing.length === 0 || resolved.length > 0) && (
        <div class="resolved">
          {firing.length === 0 && (
            <span class="all-clear" aria-hidden="true">
              <svg class="icon" viewBox="0 0 20 20">
                <path d="M4.5 10.5l3.5 3.5l7.5-8" />
              </svg>
              No alerts firing
            </span>
          )}
          {resolved.length > 0 && (
            <ul class="resolved-list" aria-label="Recently resolved">
              {resolved.map((alert) => (
                <Resolved key={`${alert.alert} ${alert.key} ${alert.fired_at}`} alert={alert} />
              ))}
            </ul>
          )}
        </div>
      )}
    </section>
  );
}

function Firing({ alert }: { alert: Alert }) {
  const since = Date.parse(alert.fired_at);
  return (
    <li class="alert" data-testid="alert" data-alert={alert.alert} data-level={level(alert.severity)}>
      <span class="severity">{alert.severity}</span>
      <span class="alert-name">{alert.alert}</span>
      <span class="alert-values">
        {alert.key !== '' && <span class="alert-key">{alert.key}</span>}
        {Object.entries(alert.values).map(([name, value]) => (
          <span key={name}>
            <span class="quiet">{name}</span>{' '}
            <b>{typeof value === 'number' ? measure(value) : label([value])}</b>
          </span>
        ))}
      </span>
      <span class="alert-since">
        since <time dateTime={alert.fired_at}>{moment(since, nowMs.value, zone.value === 'utc')}</time>
        <span class="quiet"> · {age(nowMs.value - since)}</span>
      </span>
    </li>
  );
}

function Resolved({ alert }: { alert: Alert }) {
  const utc = zone.value === 'utc';
  const end = alert.resolved_at ?? alert.fired_at;
  return (
    <li
      title={`${cell(alert.fired_at, 'TIMESTAMP', 0, utc)} to ${cell(end, 'TIMESTAMP', 0, utc)}`}
      data-testid="resolved-alert"
    >
      {alert.alert}
      {alert.key !== '' && ` ${alert.key}`}{' '}
      <span class="quiet">resolved {moment(Date.parse(end), nowMs.value, utc)}</span>
    </li>
  );
}

function level(severity: string): 'high' | 'medium' | 'low' {
  if (/crit|high|fatal|page|error|sev-?[01]/i.test(severity)) return 'high';
  return /med|warn|sev-?2/i.test(severity) ? 'medium' : 'low';
}

const order = { high: 0, medium: 1, low: 2 };

function worstFirst(a: Alert, b: Alert): number {
  return order[level(a.severity)] - order[level(b.severity)] || b.fired_at.localeCompare(a.fired_at);
}
