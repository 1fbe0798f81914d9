import { render } from 'preact';
import { start } from './feed/store';
import { applyTheme } from './preferences';
import './styles/tokens.css';
import './styles/base.css';
import './styles/top.css';
import './styles/panels.css';
import './styles/tables.css';
import { App } from './ui/app';

applyTheme();
const root = document.getElementById('app');
if (root) render(<App />, root);
start();
