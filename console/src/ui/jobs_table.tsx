import type { Job } from '../feed/contract';
import { nowMs, status } from '../feed/store';
import { bytes, cell, count, duration, fixed, moment } from '../model/format';
import { zone } from '../preferences';

export function JobsTable() {
  const now = status.value;
  if (!now) return null;
  return (
    <section class="jobs" aria-labelledby="jobs-title" data-testid="jobs">
      <div class="section-head">
        <h2 id="jobs-title">Jobs</h2>
        <dl class="totals">
          <Total name="Late drops" value={fixed(now.late_dropped_total, 0)} />
          <Total name="Dead letters" value={fixed(now.dead_letters_total, 0)} />
          <Total name="Memory" value={bytes(now.memory_bytes)} />
        </dl>
      </div>
      {now.jobs.length === 0 ? (
        <p class="panel panel-blank">
          No jobs. A materialized view, an INSERT INTO … SELECT or an alert starts one.
        </p>
      ) : (
        <div class="panel">
          {/* Roles are spelled out because narrow screens lay the table out as cards, which would lose them. */}
          <table class="jobs-table" role="table">
            <thead role="rowgroup">
              <tr role="row">
                {headings.map(({ title, number }) => (
                  <th key={title} role="columnheader" scope="col" class={number ? 'number' : ''}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody role="rowgroup">
              {[...now.jobs].sort(failedFirst).map((job) => (
                <JobRow key={job.id} job={job} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Total({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const headings = [
  { title: 'Job', number: false },
  { title: 'State', number: false },
  { title: 'Events/s', number: true },
  { title: 'Events', number: true },
  { title: 'Lag', number: true },
  { title: 'Watermark', number: true },
  { title: 'Delay', number: true },
  { title: 'Late drops', number: true },
];

function failedFirst(a: Job, b: Job): number {
  return Number(b.state === 'failed') - Number(a.state === 'failed') || a.id - b.id;
}

function JobRow({ job }: { job: Job }) {
  const utc = zone.value === 'utc';
  const numbers = [
    fixed(job.events_in_per_s, job.events_in_per_s < 100 ? 1 : 0),
    fixed(job.events_in_total, 0),
    count(job.lag_events),
    job.watermark === null ? '–' : moment(Date.parse(job.watermark), nowMs.value, utc),
    job.watermark_delay_ms === null ? '–' : duration(job.watermark_delay_ms),
    fixed(job.late_dropped_total, 0),
  ];
  return (
    <>
      <tr role="row" data-testid="job" data-job={job.name} data-state={job.state}>
        <td role="cell" class="job-name">
          <span title={job.name}>{job.name}</span> <span class="quiet">{job.kind}</span>
        </td>
        <td role="cell">
          <span class="job-state">{job.state}</span>
        </td>
        {numbers.map((text, index) => (
          <td
            key={headings[index + 2]?.title}
            role="cell"
            class="number"
            data-label={headings[index + 2]?.title}
            title={
              index === 3 && job.watermark !== null ? cell(job.watermark, 'TIMESTAMP', 0, utc) : undefined
            }
          >
            {text}
          </td>
        ))}
      </tr>
      {job.error !== null && (
        <tr role="row" class="job-error">
          <td role="cell" colSpan={headings.length}>
            {job.error}
          </td>
        </tr>
      )}
    </>
  );
}
