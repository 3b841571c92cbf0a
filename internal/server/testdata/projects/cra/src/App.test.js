import { createRoot } from 'react-dom/client';
import App from './App';

test('it renders', () => {
  createRoot(document.createElement('div')).render(<App />);
});
