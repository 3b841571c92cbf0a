import forms from '@tailwindcss/forms'

/** @type {import('tailwindcss').Config} */
export default {
  content: ['./index.html', './src/**/*.{ts,tsx}'],
  theme: { extend: { colors: { leaf: { DEFAULT: '#2f6f4f', light: '#d9efe2' } } } },
  plugins: [forms],
}
