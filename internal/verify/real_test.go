package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"codeforge/internal/browser/browsertest"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
)

// registry are packages as the registry of this machine has them.
type registry struct {
	ctx    context.Context
	client *npm.Client
	lock   *npm.Lock

	mu    sync.Mutex
	parts map[string]*npm.Packages
}

var openNPM = sync.OnceValues(func() (*npm.Client, error) {
	return npm.Open(npm.Options{Dir: filepath.Join(os.TempDir(), "codeforge-packages-for-tests"), Registry: npm.Machine(context.Background(), os.Getenv, true)})
})

func newRegistry(t testing.TB, manifest string) *registry {
	t.Helper()
	client, err := openNPM()
	if err != nil {
		t.Fatal(err)
	}
	if on, why := client.On(); !on {
		t.Fatal("this test needs a registry: ", why)
	}
	lock, problems, err := client.Resolve(t.Context(), npm.Project{Manifests: map[string][]byte{"package.json": []byte(manifest)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Log(p.Error())
	}
	return &registry{ctx: t.Context(), client: client, lock: lock, parts: map[string]*npm.Packages{}}
}

func (r *registry) Find(from, name string) (string, bool) {
	for from != "" && !strings.HasPrefix(from, "node_modules/") {
		from = ""
	}
	return r.lock.Find(from, name)
}

func (r *registry) Why(_, name string) string {
	if likely := r.client.Suggest(name); likely != "" {
		return likely + " was likely meant"
	}
	return ""
}

func (r *registry) Version(place string) string {
	if p := r.lock.Package(place); p != nil {
		return p.Version
	}
	return ""
}

func (r *registry) Identity(place string) string {
	if p := r.lock.Package(place); p != nil {
		return p.Integrity
	}
	return ""
}

func (r *registry) at(place string) (*npm.Packages, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.parts[place]; p != nil {
		return p, nil
	}
	got, problems, err := r.client.Fetch(r.ctx, r.lock, r.lock.Reach(place))
	if err != nil {
		return nil, err
	}
	for _, p := range got.Places() {
		r.parts[p] = got
	}
	if r.parts[place] == nil {
		if len(problems) > 0 {
			return nil, &problems[0]
		}
		return nil, fs.ErrNotExist
	}
	return got, nil
}

func (r *registry) List(place string) (list []string, err error) {
	p, err := r.at(place)
	if err != nil {
		return nil, err
	}
	folder, _ := p.Folder(place)
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, name)
		}
		return err
	})
	return list, err
}

func (r *registry) Read(place, name string) ([]byte, error) {
	p, err := r.at(place)
	if err != nil {
		return nil, err
	}
	return p.ReadFile(place, name)
}

// realProject is a project with packages from a registry, and what its page must show.
type realProject struct {
	manifest string
	files    files
	shows    string
}

const realPage = `<!doctype html><html><head><title>x</title></head><body><div id="root"></div><script type="module" src="/src/main.SUFFIX"></script></body></html>`

func react(version, deps, app string) realProject {
	return realProject{
		`{"name":"x","type":"module","dependencies":{"react":"` + version + `","react-dom":"` + version + `"` + deps + `}}`,
		files{"index.html": strings.Replace(realPage, "SUFFIX", "tsx", 1), "src/App.tsx": app,
			"src/main.tsx": "import { StrictMode } from 'react'\nimport { createRoot } from 'react-dom/client'\nimport App from './App'\ncreateRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>)\n"},
		"it works",
	}
}

func script(deps, text string) realProject {
	return realProject{`{"name":"x","dependencies":{` + deps + `}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "js", 1),
		"src/main.js": text}, "it works"}
}

var realProjects = map[string]realProject{
	"react 19": react("^19.0.0", "", "import { useState } from 'react'\nexport default function App() { const [n] = useState('works'); return <p>it {n}</p> }"),
	"react 18": react("^18.0.0", "", "import * as React from 'react'\nexport default function App() { const [n] = React.useState('works'); return <React.Fragment>it {n}</React.Fragment> }"),
	"react 16": {`{"name":"x","dependencies":{"react":"16.8.6","react-dom":"16.8.6"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "jsx", 1), "src/main.jsx": "import React from 'react'\nimport ReactDOM from 'react-dom'\nclass App extends React.Component { render() { return <p>it works</p> } }\nReactDOM.render(<App />, document.getElementById('root'))"}, "it works"},
	"router": react("^19.0.0", `,"react-router":"^7.0.0","react-router-dom":"^6.28.0"`, `import { BrowserRouter, Routes, Route, Link } from 'react-router-dom'
import { MemoryRouter } from 'react-router'
export default function App() { return <BrowserRouter><Link to="/x">x</Link><Routes><Route path="*" element={<MemoryRouter><p>it works</p></MemoryRouter>} /></Routes></BrowserRouter> }`),
	"zustand":   react("^19.0.0", `,"zustand":"^5.0.0"`, "import { create } from 'zustand'\nimport { persist } from 'zustand/middleware'\nconst use = create<{ s: string }>()(persist(() => ({ s: 'it works' }), { name: 'x' }))\nexport default function App() { const s = use((x) => x.s); return <p>{s}</p> }"),
	"recharts":  react("^18.0.0", `,"recharts":"^2.15.0"`, "import { LineChart, Line, XAxis, YAxis, Tooltip } from 'recharts'\nexport default function App() { return <><LineChart width={300} height={100} data={[{ a: 1 }, { a: 2 }]}><XAxis /><YAxis /><Tooltip /><Line dataKey=\"a\" isAnimationActive={false} /></LineChart><p>it works</p></> }"),
	"recharts3": react("^19.0.0", `,"recharts":"^3.0.0"`, "import { BarChart, Bar, ResponsiveContainer } from 'recharts'\nexport default function App() { return <><BarChart width={300} height={100} data={[{ a: 1 }]}><Bar dataKey=\"a\" /></BarChart><p>it works</p></> }"),
	"icons":     react("^19.0.0", `,"lucide-react":"^0.469.0","date-fns":"^4.1.0","clsx":"^2.1.1","classnames":"^2.5.1"`, "import { Home, Star } from 'lucide-react'\nimport { format } from 'date-fns'\nimport clsx from 'clsx'\nimport cn from 'classnames'\nexport default function App() { return <p className={clsx('a', cn('b'))}><Home /><Star />it works {format(new Date(0), 'yyyy')}</p> }"),
	"radix": react("^18.0.0", `,"@radix-ui/react-dialog":"^1.1.4","@radix-ui/react-dropdown-menu":"^2.1.4","@radix-ui/react-slot":"^1.1.0","@dnd-kit/core":"^6.3.1","@dnd-kit/sortable":"^10.0.0"`, `import * as Dialog from '@radix-ui/react-dialog'
import { Root, Trigger } from '@radix-ui/react-dropdown-menu'
import { Slot } from '@radix-ui/react-slot'
import { DndContext, useDraggable } from '@dnd-kit/core'
import { SortableContext, useSortable } from '@dnd-kit/sortable'
const Item = () => { const { setNodeRef } = useSortable({ id: 'a' }); return <li ref={setNodeRef}>it works</li> }
export default function App() { return <Dialog.Root open><Dialog.Trigger>t</Dialog.Trigger><Root><Trigger>m</Trigger></Root><Slot><b>s</b></Slot><Dialog.Portal><Dialog.Content><Dialog.Title>x</Dialog.Title>it works</Dialog.Content></Dialog.Portal><DndContext><SortableContext items={['a']}><Item /></SortableContext></DndContext></Dialog.Root> }`),
	"motion":      react("^18.0.0", `,"framer-motion":"^11.15.0","axios":"^1.7.9","uuid":"^11.0.0","@tanstack/react-query":"^5.62.0"`, "import { motion, AnimatePresence } from 'framer-motion'\nimport axios from 'axios'\nimport { v4 } from 'uuid'\nimport { QueryClient, QueryClientProvider } from '@tanstack/react-query'\nconst c = new QueryClient()\nexport default function App() { return <QueryClientProvider client={c}><AnimatePresence><motion.p animate={{ x: 1 }}>it {typeof axios.get === 'function' && v4().length === 36 ? 'works' : 'fails'}</motion.p></AnimatePresence></QueryClientProvider> }"),
	"forms":       react("^18.0.0", `,"react-hook-form":"^7.54.0","@hookform/resolvers":"^3.9.0","zod":"^3.24.0","react-hot-toast":"^2.5.0","react-icons":"^5.4.0","styled-components":"^6.1.0","@emotion/react":"^11.14.0","@emotion/styled":"^11.14.0"`, "import { useForm } from 'react-hook-form'\nimport { zodResolver } from '@hookform/resolvers/zod'\nimport { z } from 'zod'\nimport toast, { Toaster } from 'react-hot-toast'\nimport { FaBeer } from 'react-icons/fa'\nimport styled from 'styled-components'\nimport es from '@emotion/styled'\nconst P = styled.p`color: red`\nconst Q = es.p`color: blue`\nexport default function App() { const f = useForm({ resolver: zodResolver(z.object({ a: z.string() })) }); return <form onSubmit={f.handleSubmit(() => toast('x'))}><input {...f.register('a')} /><Toaster /><FaBeer /><P>it works</P><Q>too</Q></form> }"),
	"mui":         react("^18.0.0", `,"@mui/material":"^5.16.0","@mui/icons-material":"^5.16.0","@emotion/react":"^11.13.0","@emotion/styled":"^11.13.0"`, "import { Button, ThemeProvider, createTheme } from '@mui/material'\nimport TextField from '@mui/material/TextField'\nimport DeleteIcon from '@mui/icons-material/Delete'\nexport default function App() { return <ThemeProvider theme={createTheme()}><Button startIcon={<DeleteIcon />}>go</Button><TextField label=\"x\" /><p>it works</p></ThemeProvider> }"),
	"redux":       react("^18.0.0", `,"@reduxjs/toolkit":"^2.5.0","react-redux":"^9.2.0","formik":"^2.4.6","yup":"^1.6.0","react-select":"^5.9.0","swr":"^2.3.0","immer":"^10.1.1","dayjs":"^1.11.13","moment":"^2.30.1"`, "import { configureStore, createSlice } from '@reduxjs/toolkit'\nimport { Provider, useSelector } from 'react-redux'\nimport { Formik, Form, Field } from 'formik'\nimport * as Yup from 'yup'\nimport Select from 'react-select'\nimport useSWR from 'swr'\nimport { produce } from 'immer'\nimport dayjs from 'dayjs'\nimport utc from 'dayjs/plugin/utc'\nimport moment from 'moment'\ndayjs.extend(utc)\nconst s = createSlice({ name: 's', initialState: { t: 'it works' }, reducers: {} })\nconst store = configureStore({ reducer: { s: s.reducer } })\nconst T = () => { const t = useSelector((x: any) => x.s.t); useSWR('k', () => 1); return <p>{t} {produce({ a: 1 }, (d) => { d.a = 2 }).a} {dayjs.utc(0).year()} {moment(0).year()}</p> }\nexport default function App() { return <Provider store={store}><Formik initialValues={{ a: '' }} validationSchema={Yup.object({ a: Yup.string() })} onSubmit={() => {}}><Form><Field name=\"a\" /></Form></Formik><Select options={[]} /><T /></Provider> }"),
	"lazy":        {react("^19.0.0", `,"marked":"^15.0.0","prop-types":"^15.8.1"`, "").manifest, files{"index.html": strings.Replace(realPage, "SUFFIX", "jsx", 1), "src/main.jsx": "import React, { lazy, Suspense } from 'react'\nimport ReactDOM from 'react-dom/client'\nconst Page = lazy(() => import('./Page'))\nReactDOM.createRoot(document.getElementById('root')).render(<Suspense fallback=\"…\"><Page /></Suspense>)\n", "src/Page.jsx": "import { useEffect, useState } from 'react'\nimport PropTypes from 'prop-types'\nexport default function Page() { const [t, set] = useState(''); useEffect(() => { import('marked').then(({ marked }) => set(marked('it *works*'))) }, []); return <p dangerouslySetInnerHTML={{ __html: t }} /> }\nPage.propTypes = { x: PropTypes.string }\n"}, "it works"},
	"cra":         {`{"name":"x","dependencies":{"react":"^18.2.0","react-dom":"^18.2.0","react-scripts":"5.0.1","web-vitals":"^2.1.4"}}`, files{"public/index.html": "<!doctype html><html><head><link rel=icon href=\"%PUBLIC_URL%/logo.svg\"></head><body><div id=root></div></body></html>", "public/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "src/index.js": "import React from 'react';\nimport ReactDOM from 'react-dom/client';\nimport './index.css';\nimport App from './App';\nimport reportWebVitals from './reportWebVitals';\nReactDOM.createRoot(document.getElementById('root')).render(<App />);\nreportWebVitals();\n", "src/index.css": "p { color: red }", "src/App.js": "import logo from './logo.svg';\nexport default function App() { return <p><img src={logo} alt=\"\" />it works {process.env.PUBLIC_URL}</p>; }", "src/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "src/reportWebVitals.js": "const r = f => { if (f && f instanceof Function) { import('web-vitals').then(({ getCLS }) => { getCLS(f); }); } };\nexport default r;"}, "it works"},
	"lodash":      script(`"lodash":"^4.17.21","lodash-es":"^4.17.21","uuid":"^8.3.2","ms":"^2.1.3","events":"^3.3.0","left-pad":"^1.3.0"`, "import _ from 'lodash'\nimport debounce from 'lodash/debounce'\nimport { chunk } from 'lodash-es'\nimport { v4 as id } from 'uuid'\nimport ms from 'ms'\nimport EventEmitter from 'events'\nimport pad from 'left-pad'\nconst e = new EventEmitter()\ne.on('x', () => { document.body.append('it works ' + _.chunk([1, 2], 1).length + chunk([1], 1).length + id().length + ms('1s') + typeof debounce + pad(1, 3)) })\ne.emit('x')"),
	"required":    script(`"lodash":"^4.17.21","chalk":"^4.1.2"`, "const _ = require('lodash');\nconst { join } = require('lodash');\ndocument.body.append(join(['it', 'works'], ' ') + _.VERSION);"),
	"d3":          script(`"d3":"^7.9.0","three":"^0.170.0","chart.js":"^4.4.0"`, "import * as d3 from 'd3'\nimport * as THREE from 'three'\nimport { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js'\nimport { Chart, registerables } from 'chart.js'\nimport Auto from 'chart.js/auto'\nChart.register(...registerables)\nd3.select('body').append('p').text('it works ' + new THREE.Vector3(1, 2, 3).length() + typeof OrbitControls + typeof Auto)"),
	"vue":         script(`"vue":"^3.5.0","vue-router":"^4.5.0","pinia":"^2.3.0"`, "import { createApp, h, ref } from 'vue'\nimport { createRouter, createWebHistory } from 'vue-router'\nimport { createPinia, defineStore } from 'pinia'\nconst use = defineStore('s', () => ({ t: ref('it works') }))\ncreateApp({ setup() { const s = use(); return () => h('p', s.t) } }).use(createPinia()).use(createRouter({ history: createWebHistory(), routes: [{ path: '/', component: { render: () => null } }] })).mount('#root')"),
	"preact":      {`{"name":"x","dependencies":{"preact":"^10.25.0"},"devDependencies":{"@preact/preset-vite":"^2.9.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "jsx", 1), "src/main.jsx": "import { render } from 'preact'\nimport { useState } from 'preact/hooks'\nconst App = () => { const [s] = useState('works'); return <p>it {s}</p> }\nrender(<App />, document.getElementById('root'))"}, "it works"},
	"styles":      script(`"bootstrap":"^5.3.3","@fontsource/inter":"^5.1.0","normalize.css":"^8.0.1","swiper":"^11.1.0","leaflet":"^1.9.4"`, "import 'bootstrap/dist/css/bootstrap.min.css'\nimport 'bootstrap'\nimport '@fontsource/inter'\nimport '@fontsource/inter/700.css'\nimport 'normalize.css'\nimport Swiper from 'swiper'\nimport 'swiper/css'\nimport 'swiper/css/navigation'\nimport L from 'leaflet'\nimport 'leaflet/dist/leaflet.css'\nimport icon from 'leaflet/dist/images/marker-icon.png'\ndocument.body.append('it works ' + typeof Swiper + L.version + icon)\nfetch(icon).then((r) => r.ok || document.body.append('no icon'))"),
	"svelte":      script(`"svelte":"^5.15.0"`, "import { writable, get } from 'svelte/store'\nimport { mount } from 'svelte'\ndocument.body.append('it ' + get(writable('works')) + typeof mount)"),
	"vue sfc":     {`{"name":"x","type":"module","dependencies":{"vue":"^3.5.0"},"devDependencies":{"sass":"^1.80.0","vite":"^6.0.0","@vitejs/plugin-vue":"^5.0.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "ts", 1), "src/main.ts": "import { createApp } from 'vue'\nimport App from '@/App.vue'\nimport './main.scss'\ncreateApp(App).mount('#root')\n", "src/main.scss": "$c: red; p { b { color: $c } }", "vite.config.ts": "import { fileURLToPath, URL } from 'node:url'\nimport { defineConfig } from 'vite'\nimport vue from '@vitejs/plugin-vue'\nexport default defineConfig({ plugins: [vue()], resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } } })", "src/App.vue": "<script setup lang=\"ts\">\nimport { ref } from 'vue'\nimport Child from './Child.vue'\nconst t = ref<string>('works')\n</script>\n<template><Child :text=\"t\" @up=\"t = $event\" /></template>\n<style scoped>p { color: red }</style>", "src/Child.vue": "<script setup lang=\"ts\">\ndefineProps<{ text: string }>()\nconst emit = defineEmits<{ up: [string] }>()\n</script>\n<template><p class=\"x\" :class=\"$style.m\">it {{ text }}</p><button @click=\"emit('up', 'x')\">b</button></template>\n<style module>.m { color: blue }</style>"}, "it works"},
	"svelte scss": {`{"name":"x","type":"module","devDependencies":{"svelte":"^5.15.0","sass":"^1.80.0","vite":"^6.0.0","@sveltejs/vite-plugin-svelte":"^5.0.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "ts", 1), "src/main.ts": "import { mount } from 'svelte'\nimport App from './App.svelte'\nmount(App, { target: document.getElementById('root')! })\n", "src/App.svelte": "<script>\n  import B from './B.svelte'\n  import C from './C.svelte'\n  import D from './D.svelte'\n</script>\n<p>it <B /><C /><D /></p>\n<style lang=\"scss\">$c: red; p { &:hover { color: $c } }</style>", "src/B.svelte": "<b>wo</b>\n<style lang='scss' data-x=\"a > b\">$c: red; b { color: $c }</style>", "src/C.svelte": "<!-- <style lang=\"scss\">{</style> -->\n<i>rk</i>\n<style data-lang=\"css\" lang=scss>$c: red; i { color: $c }</style>", "src/D.svelte": "<u>s</u>\n<style\n  lang=\"scss\"\n>$c: red; u { color: $c }</style>"}, "it works"},
	"defined":     {`{"name":"x","version":"1.2.3","type":"module","devDependencies":{"vite":"^6.0.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "js", 1), "vite.config.js": "import { defineConfig } from 'vite'\nimport pkg from './package.json'\nexport default defineConfig({\n  // of the build\n  define: { __V__: JSON.stringify('it'), __B__: 'true', 'process.env.X': JSON.stringify('works'), __P__: JSON.stringify(pkg.version), __N__: 4, __T__: new Date() },\n})", "src/main.js": "if (__B__ && __N__ === 4 && __P__ === '1.2.3') document.body.append(__V__ + ' ' + process.env.X)"}, "it works"},
	"svelte app":  {`{"name":"x","type":"module","devDependencies":{"svelte":"^5.15.0","vite":"^6.0.0","@sveltejs/vite-plugin-svelte":"^5.0.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "ts", 1), "src/main.ts": "import { mount } from 'svelte'\nimport App from './App.svelte'\nmount(App, { target: document.getElementById('root')! })\n", "src/App.svelte": "<script lang=\"ts\">\n  import Child from './Child.svelte'\n  let n: number = $state(1)\n</script>\n<Child text=\"works\" />\n<button onclick={() => n++}>{n}</button>\n<style>button { color: red }</style>", "src/Child.svelte": "<script lang=\"ts\">let { text }: { text: string } = $props()</script>\n<p>it {text}</p>"}, "it works"},
	"tailwind 4":  {`{"name":"x","type":"module","dependencies":{"react":"^19.0.0","react-dom":"^19.0.0","tailwindcss":"^4.1.0","@tailwindcss/vite":"^4.1.0"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "tsx", 1), "src/main.tsx": "import './index.css'\nimport { createRoot } from 'react-dom/client'\ncreateRoot(document.getElementById('root')!).render(<p className=\"mt-[13px] md:flex text-brand\">it works</p>)\n", "src/index.css": "@import \"tailwindcss\";\n@theme { --color-brand: #abcdef; }"}, "it works"},
	"tailwind 3":  {`{"name":"x","type":"module","dependencies":{"react":"^18.0.0","react-dom":"^18.0.0"},"devDependencies":{"tailwindcss":"^3.4.17","postcss":"^8.5.1","autoprefixer":"^10.4.20"}}`, files{"index.html": strings.Replace(realPage, "SUFFIX", "tsx", 1), "src/main.tsx": "import './index.css'\nimport { createRoot } from 'react-dom/client'\ncreateRoot(document.getElementById('root')!).render(<p className=\"mt-[13px] md:flex text-brand\">it works</p>)\n", "src/index.css": "@tailwind base;\n@tailwind components;\n@tailwind utilities;", "tailwind.config.js": "export default { content: ['./index.html', './src/**/*.{ts,tsx}'], theme: { extend: { colors: { brand: '#abcdef' } } }, plugins: [] }", "postcss.config.js": "export default { plugins: { tailwindcss: {}, autoprefixer: {} } }"}, "it works"},
	"firebase":    script(`"firebase":"^10.14.0","@supabase/supabase-js":"^2.47.0","socket.io-client":"^4.8.0","rxjs":"^7.8.0"`, "import { initializeApp } from 'firebase/app'\nimport { getAuth } from 'firebase/auth'\nimport { createClient } from '@supabase/supabase-js'\nimport { io } from 'socket.io-client'\nimport { of, map } from 'rxjs'\nof('works').pipe(map((x) => 'it ' + x)).subscribe((x) => document.body.append(x + typeof initializeApp + typeof getAuth + typeof createClient('https://x.example', 'k').from + typeof io))"),
}

// TestRealProjects builds projects with packages as they are published, and looks at them in a real browser.
func TestRealProjects(t *testing.T) {
	if os.Getenv("CODEFORGE_NPM") == "" {
		t.Skip("CODEFORGE_NPM=1 asks a registry for packages")
	}
	v := newVerifier(t, sandbox.Options{})
	tab := browsertest.Open(t, 10*time.Minute)
	names := []string{}
	for name := range realProjects {
		if only := os.Getenv("CODEFORGE_ONLY"); only == "" || slices.Contains(strings.Split(only, ","), name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := realProjects[name]
			packages := newRegistry(t, c.manifest)
			c.files["package.json"] = c.manifest
			tree := Tree{Files: c.files, Lock: packages.lock.Bytes(), Packages: packages}
			began := time.Now()
			site, r, err := v.Bundle(t.Context(), "u", tree)
			if err != nil || site == nil || !r.OK {
				t.Fatalf("%v\n%s", err, strings.Join(lines(r), "\n"))
			}
			first := time.Since(began)
			c.files["src/zz.css"] = "p{}"
			began = time.Now()
			if site, _, err = v.Bundle(t.Context(), "u", tree); err != nil || site == nil {
				t.Fatal(err)
			}
			t.Logf("%d kB; first %v, an edit %v; %s", site.Size>>10, first.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), strings.Join(lines(r), "\n"))
			if got := show(t, tab, site, c.shows); !strings.Contains(got, c.shows) {
				t.Errorf("it shows %q", got)
			}
		})
	}
}

// show opens a site in a browser and returns what is seen, and what went wrong.
func show(t *testing.T, tab context.Context, site *Site, until string) string {
	t.Helper()
	const watch = `<script>window.wrong=[];addEventListener("error",e=>wrong.push(e.message||e.target.src||e.target.href),true);addEventListener("unhandledrejection",e=>wrong.push(String(e.reason)));addEventListener("securitypolicyviolation",e=>wrong.push(e.violatedDirective+" "+e.blockedURI))</script>`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := strings.TrimPrefix(r.URL.Path, "/")
		if p == "" {
			p = site.Home
		}
		a, ok := site.Find(p)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.Type)
		w.Header().Set("Content-Security-Policy", "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; worker-src 'self' blob:")
		body := a.Body
		if strings.HasPrefix(a.Type, "text/html") {
			body = strings.Replace(body, "<head>", "<head>"+watch, 1)
		}
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	if err := chromedp.Do(tab, chromedp.Navigate(s.URL)); err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal(until)
	got, err := chromedp.Run(tab, chromedp.Evaluate[string](`new Promise((done) => { const began = Date.now(); const look = () => { const t = document.body.innerText; if (wrong.length) done(t + " WRONG " + wrong.join("; ")); else if (t.includes(`+string(quoted)+`) || Date.now() - began > 5000) setTimeout(() => done(document.body.innerText + (wrong.length ? " WRONG " + wrong.join("; ") : "")), 100); else setTimeout(look, 20); }; look(); })`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if _, wrong, bad := strings.Cut(got, " WRONG "); bad {
		t.Errorf("in the browser: %s", wrong)
	}
	return got
}

// BenchmarkEdits is what a build costs after one file was changed, with packages at hand.
func BenchmarkEdits(b *testing.B) {
	if os.Getenv("CODEFORGE_NPM") == "" {
		b.Skip("CODEFORGE_NPM=1 asks a registry for packages")
	}
	v := newVerifier(b, sandbox.Options{})
	const manifest = `{"name":"x","dependencies":{"react":"^19.0.0","react-dom":"^19.0.0","lucide-react":"^0.469.0","date-fns":"^4.1.0","recharts":"^2.15.0","zustand":"^5.0.0"}}`
	packages := newRegistry(b, manifest)
	for _, n := range []int{20, 300} {
		tree := Tree{Files: files{"package.json": manifest, "index.html": strings.Replace(realPage, "SUFFIX", "tsx", 1)}, Lock: packages.lock.Bytes(), Packages: packages}
		var main strings.Builder
		main.WriteString("import { createRoot } from 'react-dom/client'\n")
		for i := range n - 1 {
			tree.Files[fmt.Sprintf("src/c%d.tsx", i)] = fmt.Sprintf("import { useState } from 'react'\nimport { Home, Star } from 'lucide-react'\nimport { format } from 'date-fns'\nimport { LineChart } from 'recharts'\nimport { create } from 'zustand'\nconst use = create<{ n: number }>(() => ({ n: %d }))\nexport function C%d() { const [n, set] = useState(0); const s = use(); return <section className=\"p-4\" onClick={() => set(n + 1)}><Home /><Star />{format(new Date(0), 'yyyy')}{s.n}<LineChart /></section> }\n", i, i)
			fmt.Fprintf(&main, "import { C%d } from './c%d'\n", i, i)
		}
		main.WriteString("createRoot(document.getElementById('root')!).render(<C0 />)\nconsole.log(C0")
		for i := range n - 1 {
			fmt.Fprintf(&main, ", C%d", i)
		}
		main.WriteString(")\n")
		tree.Files["src/main.tsx"] = main.String()
		edits := 0
		for name, build := range map[string]func() (Report, error){
			"check":  func() (Report, error) { return v.Check(b.Context(), "u", tree) },
			"bundle": func() (Report, error) { _, r, err := v.Bundle(b.Context(), "u", tree); return r, err },
		} {
			b.Run(fmt.Sprintf("%d files, %s", n, name), func(b *testing.B) {
				for range b.N {
					edits++
					tree.Files["src/c0.tsx"] += fmt.Sprintf("// %d\n", edits)
					if r, err := build(); err != nil || !r.OK {
						b.Fatal(err, lines(r))
					}
				}
			})
		}
	}
}
