import { phase } from '../feed/store';
import { AlertStrip } from './alert_strip';
import { Header } from './header';
import { JobsTable } from './jobs_table';
import { KeyFigures } from './key_figures';
import { Views } from './views';

export function App() {
  return (
    <div class="page" data-testid="page" data-phase={phase.value}>
      <Header />
      <main>
        <KeyFigures />
        <AlertStrip />
        <Views />
        <JobsTable />
      </main>
    </div>
  );
}
