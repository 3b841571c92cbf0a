package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// project is a tree as a tool's users have it, with what a check and a preview make of it.
type project struct {
	files    files
	errors   []string            // all of them
	warnings []string            // parts of some
	silent   bool                // there are no warnings either
	assets   []string            // files that hold no text
	serves   map[string][]string // parts of what the preview has at a path
}

const (
	doc      = `<!doctype html><html lang="en"><head><title>T</title></head><body>`
	reactPkg = `"dependencies":{"react":"19.0.0","react-dom":"19.0.0"}`
)

func (p project) tree() Tree {
	t := Tree{Files: p.files, Assets: map[string]Blob{}}
	for _, name := range p.assets {
		t.Assets[name] = Blob{Hash: "0123", Size: 4}
	}
	return t
}

func doctype(body string) string { return doc + body + "</body></html>" }

// TestProjects holds what verification must understand of real projects: it refuses nothing that their own tools take,
// and where its own preview falls short of them it says so.
func TestProjects(t *testing.T) {
	for name, c := range map[string]project{
		// Frameworks, as their starters lay them out.
		"create-react-app": {files: files{
			"package.json":      `{"name":"t",` + reactPkg + `,"devDependencies":{"react-scripts":"5.0.1"}}`,
			"public/index.html": `<!doctype html><html lang="en"><head><title>%REACT_APP_TITLE%</title><link rel="icon" href="%PUBLIC_URL%/favicon.ico"><link rel="apple-touch-icon" href="%PUBLIC_URL%/logo192.png"><link rel="manifest" href="%PUBLIC_URL%/manifest.json"></head><body><div id="root"></div></body></html>`,
			".env":              "REACT_APP_TITLE=Shop\nSECRET=hush\n",
			"src/index.js":      "import { createRoot } from 'react-dom/client';\nimport App from './App';\nimport reportWebVitals from './reportWebVitals';\ncreateRoot(document.getElementById('root')).render(<App />);\nreportWebVitals(process.env.REACT_APP_TITLE, process.env.SECRET);\n",
			"src/App.js":        "import { ReactComponent as Logo } from './logo.svg';\nimport photo from './photo.jpg';\nimport styles from './App.module.scss';\nexport default function App() { return <div className={styles.app}><Logo /><img src={photo} alt=\"\" /></div>; }\n",
			"src/App.test.js":   "import App from './App';\ntest('x', () => { expect(<App />).toBeTruthy(); });\n", "src/App.module.scss": ".app { color: red }",
			"src/reportWebVitals.js": "const reportWebVitals = (f) => { import('web-vitals').then(({ onCLS }) => onCLS(f)); };\nexport default reportWebVitals;\n",
			"src/logo.svg":           `<svg xmlns="http://www.w3.org/2000/svg"/>`,
		}, assets: []string{"src/photo.jpg"}, warnings: []string{`the package "react-dom/client"`, `"src/App.module.scss" needs a compiler`},
			serves: map[string][]string{"public/index.html": {"<title>Shop</title>", `<script type="module" src="/__bundle/src/index.js.js">`}, "__bundle/src/index.js.js": {"ReactComponent", "new Proxy"}}},
		"vite, react, ts": {files: files{
			"package.json": `{"name":"t","type":"module",` + reactPkg + `,"devDependencies":{"vite":"^7.0.0"}}`,
			"index.html":   doctype(`<div id="root"></div><script type="module" src="/src/main.tsx"></script>`),
			"src/main.tsx": "import { createRoot } from 'react-dom/client'\nimport App from './App.tsx'\nimport './index.css'\ncreateRoot(document.getElementById('root')!).render(<App />)\n",
			"src/App.tsx":  "import logo from '/vite.svg'\nimport Icon from './icon.svg?react'\nimport text from './note.md?raw'\nimport url from './icon.svg?url'\nexport default function App() { return <p title={text + url + import.meta.env.VITE_NAME}><img src={logo} /><Icon /></p> }\n",
			"src/icon.svg": "<svg/>", "src/note.md": "# hi", "src/index.css": "@import './base.css' layer(base);\n@tailwind utilities;\n.a { @apply p-1 }\n.b { background: url('./icon.svg#x') }", "src/base.css": "p{}", "public/vite.svg": "<svg/>",
			"src/vite-env.d.ts": "/// <reference types=\"vite/client\" />\n", "vite.config.ts": "import { defineConfig } from 'vite'\nimport react from '@vitejs/plugin-react'\nexport default defineConfig({ plugins: [react()] })\n",
			"tsconfig.json": `{"files": [], "references": [{"path": "./tsconfig.app.json"}, {"path": "./tsconfig.node.json"}]}`, "tsconfig.app.json": "{\n /* app */ \"compilerOptions\": {\"jsx\": \"react-jsx\", \"verbatimModuleSyntax\": true,},\n}", "tsconfig.node.json": `{"include": ["vite.config.ts"]}`,
		}, serves: map[string][]string{"__bundle/src/main.tsx.js": {`"/public/vite.svg"`, `"# hi"`}}},
		"next, app router": {files: files{
			"package.json": `{"name":"t","dependencies":{"next":"16.0.0","react":"19.0.0"}}`, ".gitignore": "/.next/\n/node_modules\nnext-env.d.ts\n",
			"next-env.d.ts": "/// <reference types=\"next\" />\nimport \"./.next/dev/types/routes.d.ts\";\n", "tsconfig.json": `{"compilerOptions": {"jsx": "preserve", "paths": {"@/*": ["./*"]}, "plugins": [{"name": "next"}]}}`,
			"app/layout.js":   "import './globals.css';\nexport const metadata = { title: 'T' };\nexport default function Layout({ children }) { return <html lang=\"en\"><body>{children}</body></html>; }\n",
			"app/page.tsx":    "import Image from 'next/image';\nimport styles from './page.module.css';\nimport { db } from '@/lib/db';\nimport hero from '@/public/hero.png';\nexport default async function Page() { const n: number = await db(); return <main className={styles.main}><Image src={hero} alt=\"\" />{n}</main>; }\n",
			"lib/db.ts":       "import 'server-only';\nimport fs from 'fs';\nimport { PrismaClient } from './generated/prisma';\nexport const db = async () => fs.readdirSync('.').length + Object.keys(new PrismaClient()).length;\n",
			"app/globals.css": "@import \"tailwindcss\";\n@theme inline { --color-a: var(--a); }\n@custom-variant dark (&:is(.dark *));\nbody { @apply m-0; }", "app/page.module.css": ".main { padding: 1rem }",
			"next.config.mjs": "/** @type {import('next').NextConfig} */\nexport default {};\n", ".eslintrc.json": "{\n  // as eslint reads it\n  \"extends\": \"next\",\n}",
		}, assets: []string{"public/hero.png"}, warnings: []string{`"./generated/prisma": it is written by the project's tools`}},
		"next, pages router in js": {files: files{
			"package.json": `{"name":"t","dependencies":{"next":"14.0.0","react":"18.0.0"}}`, "jsconfig.json": "{\n // c\n \"compilerOptions\": {\"baseUrl\": \".\"}}",
			"pages/_app.js": "import 'styles/globals.css';\nexport default function App({ Component, pageProps }) { return <Component {...pageProps} />; }\n", "pages/index.js": "import Nav from 'components/nav';\nexport default () => <><Nav /></>;\n",
			"components/nav.js": "export default function Nav() { return <a href=\"/api/logout\">out</a>; }\n", "styles/globals.css": "p { *zoom: 1; filter: progid:DXImageTransform.Microsoft.gradient(startColorstr='#80000000', endColorstr='#80000000'); }",
			"pages/api/logout.js": "export default function handler(req, res) { res.status(200).json({}); }\n",
		}},
		"expo": {files: files{
			"package.json": `{"name":"t","main":"index.js","dependencies":{"expo":"~54.0.0","react-native":"0.81.0","react":"19.0.0"}}`, "babel.config.js": "module.exports = function (api) { return { presets: ['babel-preset-expo'], plugins: [['module-resolver', { alias: { '~ui': './src/ui', '@': './src' } }]] }; };\n",
			"index.js": "import { registerRootComponent } from 'expo';\nimport App from './App';\nregisterRootComponent(App);\n", "App.js": "import { View } from 'react-native';\nimport Button from '~ui/button';\nimport { load } from '@/load';\nexport default function App() { load(); return <View><Button /></View>; }\n",
			"src/ui/button.native.js": "export default () => null;\n", "src/ui/button.web.js": "export default () => <b />;\n", "src/load.js": "// @flow\nexport const load = (n: ?number): void => { const i = require('../assets/icon.png'); };\n", "app.json": `{"expo":{"name":"t"}}`,
		}},
		"nuxt": {files: files{
			"package.json": `{"name":"t","dependencies":{"nuxt":"^4.0.0"}}`, "tsconfig.json": "{\n  // https://nuxt.com\n  \"extends\": \"./.nuxt/tsconfig.json\"\n}", "nuxt.config.ts": "export default defineNuxtConfig({ alias: { '#shared-ui': './ui' } })\n",
			"app/app.vue": "<template><NuxtPage /></template>", "app/composables/useUser.ts": "import type { User } from '~/types'\nimport { useState } from '#imports'\nimport { fmt } from '~/utils/fmt'\nimport { mark } from '#shared-ui/mark'\nexport const useUser = () => useState<User>('u', () => fmt(mark))\n",
			"app/types/index.d.ts": "export interface User { id: string }\n", "app/utils/fmt.ts": "export const fmt = (x: string) => x\n", "ui/mark.ts": "export const mark = 'm'\n", "server/api/hello.get.ts": "export default defineEventHandler(() => ({ ok: true }))\n", "eslint.config.mjs": "import withNuxt from './.nuxt/eslint.config.mjs'\nexport default withNuxt()\n",
		}, warnings: []string{`"./.nuxt/eslint.config.mjs"`}},
		"sveltekit": {files: files{
			"package.json": `{"name":"t","devDependencies":{"@sveltejs/kit":"^2.0.0","svelte":"^5.0.0","vite":"^7.0.0"}}`, "svelte.config.js": "export default { kit: { alias: { $stores: 'src/stores' } } };\n", "tsconfig.json": `{"extends": "./.svelte-kit/tsconfig.json", "compilerOptions": {"strict": true}}`,
			"src/app.html": `<!doctype html><html lang="en"><head><link rel="icon" href="%sveltekit.assets%/favicon.png" /><link rel="manifest" href="/site.webmanifest">%sveltekit.head%</head><body data-sveltekit-preload-data="hover"><div>%sveltekit.body%</div></body></html>`, "static/site.webmanifest": "{}",
			"src/routes/+page.ts": "import { api } from '$lib/api';\nimport { user } from '$stores/user';\nimport { browser } from '$app/environment';\nimport type { PageLoad } from './$types';\nexport const load: PageLoad = async () => ({ b: browser, a: await api(), user });\n",
			"src/lib/api.ts":      "import { API_KEY } from '$env/static/private';\nexport const api = async () => API_KEY;\n", "src/stores/user.ts": "export const user = 1;\n", "src/routes/+page.svelte": "<h1>hi</h1>", "src/hooks.server.js": "/** @type {import('@sveltejs/kit').Handle} */\nexport const handle = ({ event, resolve }) => resolve(event);\n",
		}},
		"sveltekit without the file": {files: files{"package.json": `{"devDependencies":{"@sveltejs/kit":"^2.0.0"}}`, "src/a.ts": "import { x } from '$lib/gone';\nx();\n"}, errors: []string{`src/a.ts:1:19 error: Could not resolve "$lib/gone": the project has no such file`}},
		"angular": {files: files{
			"package.json": `{"name":"t","dependencies":{"@angular/core":"^20.0.0"}}`, "angular.json": "{\n  // comments are read\n  \"version\": 1\n}", "tsconfig.json": "/* To learn more */\n{\"compilerOptions\": {\"experimentalDecorators\": true, \"useDefineForClassFields\": false, \"baseUrl\": \"./\", \"paths\": {\"@env/*\": [\"src/environments/*\"]}}}", "tsconfig.app.json": `{"extends": "./tsconfig.json", "files": ["src/main.ts"]}`,
			"src/index.html":             `<!doctype html><html lang="en"><head><base href="/"><link rel="icon" type="image/x-icon" href="favicon.ico"></head><body><app-root></app-root></body></html>`,
			"src/main.ts":                "import { bootstrapApplication } from '@angular/platform-browser';\nimport { App } from './app/app.component';\nbootstrapApplication(App);\n",
			"src/app/app.component.ts":   "import { Component, Inject, Input } from '@angular/core';\nimport { environment } from '@env/environment';\n@Component({ selector: 'app-root', templateUrl: './app.component.html' })\nexport class App { @Input() a = 1; constructor(@Inject('X') private x: string) { console.log(environment, this.x); } }\n",
			"src/app/app.component.html": `<img src="assets/logo.svg" alt=""><a routerLink="/x">{{ a }}</a>`, "src/environments/environment.ts": "export const environment = {};\n",
		}, warnings: []string{"made with Angular, which needs its own compiler"}, serves: map[string][]string{"index.html": {"Angular does not run here"}}},
		"astro": {files: files{
			"package.json": `{"name":"t","dependencies":{"astro":"^5.0.0"}}`, "tsconfig.json": `{"extends": "astro/tsconfigs/strict", "include": [".astro/types.d.ts", "**/*"]}`, "src/content.config.ts": "import { defineCollection, z } from 'astro:content';\nimport { glob } from 'astro/loaders';\nexport const collections = { docs: defineCollection({ loader: glob({ pattern: '**/*.md', base: './src/docs' }), schema: z.object({}) }) };\n",
			"src/pages/index.astro": "---\n---\n<h1>hi</h1>", "src/env.d.ts": "/// <reference path=\"../.astro/types.d.ts\" />\nimport '../.astro/types';\n", "src/pages/rss.xml.js": "import rss from '@astrojs/rss';\nexport const GET = (c) => rss({ site: c.site });\n", "astro.config.mjs": "// @ts-check\nimport { defineConfig } from 'astro/config';\nexport default defineConfig({});\n",
		}},
		"nest beside a client": {files: files{
			"package.json": `{"private":true,"workspaces":["server","client"]}`, "tsconfig.json": `{"compilerOptions":{"strict":true}}`, "server/tsconfig.base.json": `{"compilerOptions":{"emitDecoratorMetadata":true,"experimentalDecorators":true}}`, "server/tsconfig.json": `{"extends":"./tsconfig.base","compilerOptions":{"baseUrl":"./"}}`, "server/tsconfig.build.json": `{"extends":"./tsconfig.json","exclude":["test"]}`,
			"server/package.json": `{"name":"server","dependencies":{"@nestjs/common":"^11.0.0"}}`, "server/nest-cli.json": `{"collection":"@nestjs/schematics"}`, "server/src/main.ts": "import { NestFactory } from '@nestjs/core';\nimport { Cats } from 'src/cats';\nNestFactory.create(Cats);\n", "server/src/cats.ts": "import { Inject, Injectable } from '@nestjs/common';\n@Injectable()\nexport class Cats { constructor(@Inject('DB') private readonly db: unknown) {} }\n",
			"client/index.html": doctype(`<div id="app"></div><script type="module" src="/main.ts"></script>`), "client/package.json": `{"name":"client","devDependencies":{"vite":"^7.0.0"}}`, "client/main.ts": "document.getElementById('app')!.textContent = 'hi';\n",
		}, silent: true, serves: map[string][]string{"client/index.html": {"/__bundle/client/main.ts.js"}}},
		"monorepo, pnpm and turbo": {files: files{
			"package.json": `{"private":true,"name":"root"}`, "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n", "turbo.json": "{\n  // pipeline\n  \"tasks\": {}\n}",
			"packages/tsconfig/package.json": `{"name":"@acme/tsconfig"}`, "packages/tsconfig/base.json": `{"compilerOptions":{"experimentalDecorators":true}}`, "packages/tsconfig/react.json": `{"extends":["./base.json"],"compilerOptions":{"jsx":"preserve"}}`,
			"packages/ui/package.json": `{"name":"@acme/ui","exports":{".":{"types":"./dist/index.d.ts","import":"./dist/index.js"},"./button":"./src/button.tsx","./icons/*":{"default":"./src/icons/*.ts"}}}`, "packages/ui/tsconfig.json": `{"extends":"@acme/tsconfig/react.json"}`,
			"packages/ui/src/index.ts": "export const ui = 1;\n", "packages/ui/src/button.tsx": "function dec(a: unknown, b: unknown, c: number) {}\nexport class Button { constructor(@dec x: number) {} }\n", "packages/ui/src/icons/star.ts": "export const star = '*';\n",
			"packages/db/package.json": `{"name":"@acme/db","main":"lib/index.js"}`, "packages/db/src/index.ts": "export * from './client';\n", "packages/db/src/client.ts": "export const db = 1;\n",
			"apps/web/package.json": `{"name":"web","dependencies":{"@acme/ui":"workspace:*","@acme/db":"workspace:*"},"devDependencies":{"vite":"^7.0.0"},"imports":{"#lib/*":"./lib/*.ts","#env":{"node":"./env.node.ts","default":"./env.ts"},"#left":"left-pad"}}`,
			"apps/web/index.html":   doctype(`<script type="module" src="/main.ts"></script>`), "apps/web/main.ts": "import { ui } from '@acme/ui';\nimport { Button } from '@acme/ui/button';\nimport { star } from '@acme/ui/icons/star';\nimport { db } from '@acme/db';\nimport { one } from '#lib/one';\nimport env from '#env';\nconsole.log(ui, Button, star, db, one, env);\n",
			"apps/web/lib/one.ts": "export const one = 1;\n", "apps/web/env.ts": "export default 'browser env';\n", "apps/web/env.node.ts": "export default 'node env';\n",
		}, silent: true, serves: map[string][]string{"__bundle/apps/web/main.ts.js": {"ui = 1", `star = "*"`, "db = 1", "one = 1", "browser env"}}},
		"a package's missing export": {files: files{
			"packages/ui/package.json": `{"name":"@acme/ui","exports":"./index.ts"}`, "packages/ui/index.ts": "export const ui = 1;\n", "apps/web/package.json": `{"dependencies":{"@acme/ui":"*"}}`, "apps/web/main.ts": "import { uo } from '@acme/ui';\nconsole.log(uo);\n",
		}, errors: []string{`apps/web/main.ts:1:10 error: No matching export in "packages/ui/index.ts" for import "uo"`}},
		"imports that lead nowhere": {files: files{"package.json": `{"imports":{"#lib/*":"./lib/*.js","#built":"./dist/x.js"}}`, "a.js": "import '#lib/gone';\nimport '#built';\n"},
			errors: []string{`a.js:1:8 error: Could not resolve "#lib/gone": the project has no such file`}, warnings: []string{`"#built": it is written by the project's tools`}},
		"express beside pages": {files: files{
			"package.json": `{"name":"t","dependencies":{"express":"^5.0.0","socket.io":"^4.0.0"}}`, "server.js": "const express = require('express');\nconst path = require('node:path');\nconst fs = require('fs');\nconst app = express();\nconst routes = require('./routes/' + process.argv[2]);\napp.use(express.static(path.join(__dirname, 'public')));\n",
			"public/index.html": doctype(`<script src="/socket.io/socket.io.js"></script><script src="/app.js"></script><form action="/login" method="post"></form><img src="/api/avatar" alt="">`), "public/app.js": "fetch('/api/x');\n", "routes/a.js": "module.exports = 0o7;\n",
		}, warnings: []string{`"/socket.io/socket.io.js", which is not in the project: the server may answer it`}},
		"webpack getting started": {files: files{
			"package.json": `{"name":"t","devDependencies":{"webpack":"^5.0.0","webpack-cli":"^6.0.0","html-webpack-plugin":"^5.0.0"}}`, "dist/index.html": doctype(`<script src="main.js"></script>`), "src/template.html": doctype(`<%= htmlWebpackPlugin.options.title %><img src="<%= require('./a.png') %>">`),
			"webpack.config.js": "const path = require('path');\nmodule.exports = { resolve: { alias: { Utilities: path.resolve(__dirname, 'src/utilities/'), '@app$': path.resolve(__dirname, 'src/app.js') } } };\n", "src/index.js": "import { u } from 'Utilities/u';\nimport app from '@app';\nimport page from './page.html';\nconst all = require.context('./parts', false, /\\.js$/);\nconsole.log(u, app, page, all.keys(), all('./a.js').a);\n",
			"src/utilities/u.js": "export const u = 'from utilities';\n", "src/app.js": "export default 'the app';\n", "src/page.html": "<p>part</p>", "src/parts/a.js": "export const a = 'part a';\n", "src/parts/a.css": "p{}",
		}, warnings: []string{`"src/page.html" is loaded as text`}},
		"vue cli": {files: files{
			"package.json": `{"name":"t","dependencies":{"vue":"^2.0.0"},"devDependencies":{"@vue/cli-service":"~5.0.0"}}`, "public/index.html": `<!doctype html><html><head><link rel="icon" href="<%= BASE_URL %>favicon.ico"><title><%= htmlWebpackPlugin.options.title %></title></head><body><div id="app"></div></body></html>`,
			"vue.config.js": "'use strict'\nconst path = require('path')\nfunction resolve(dir) { return path.join(__dirname, dir) }\nmodule.exports = { chainWebpack(config) { config.resolve.alias.set('views', resolve('src/views')) } }\n", "src/main.js": "import './icons'\nimport { v } from 'views/v'\nimport store from '@/store'\nconsole.log(v, store)\n",
			"src/icons/index.js": "const req = require.context('./svg', false, /\\.svg$/)\nreq.keys().map(req)\n", "src/icons/svg/a.svg": "<svg/>", "src/views/v.js": "export const v = 'view v'\n", "src/store/index.js": "const modulesFiles = require.context('./modules', true, /\\.js$/)\nexport default modulesFiles.keys()\n", "src/store/modules/app.js": "export default {}\n",
		}, silent: true, serves: map[string][]string{"__bundle/src/main.js.js": {"view v", "./app.js", "/src/icons/svg/a.svg"}, "public/index.html": {"/__bundle/src/main.js.js"}}},

		// Plain pages.
		"page in a folder": {files: files{"site/index.html": doctype(`<link rel="stylesheet" href="/css/a.css"><script src="/js/a.js" defer></script><img src="/img/a.svg" alt="">`), "site/css/a.css": "p{}", "site/js/a.js": "var a = 1;", "site/img/a.svg": "<svg/>"},
			silent: true, serves: map[string][]string{"site/index.html": {`href="/__bundle/site/css/a.css.css"`, `src="/site/js/a.js"`, `src="/site/img/a.svg"`}}},
		"classic scripts": {files: files{"index.html": doctype(`<script src="old.js"></script><script>var yield = 1; with (Math) { max(yield, 010); }</script>`), "old.js": "var static = 1, let_ = 010;\nif (static) function f() {}\nwith (Math) { console.log(max(1, 2)); }\ndelete static;\n"},
			silent: true, serves: map[string][]string{"old.js": {"with (Math)"}}},
		"classic words in a module":    {files: files{"index.html": doctype(`<script type="module" src="m.js"></script>`), "m.js": "with (Math) { max(1, 2); }\n"}, errors: []string{`m.js:1:1 error: With statements cannot be used with the "esm" output format due to strict mode`}},
		"old code for node":            {files: files{"index.js": "var package = require('./package.json'), private = 010;\nmodule.exports = private + package.x;\n", "package.json": "{\"x\": 1}"}, silent: true},
		"jsx in a page's own script":   {files: files{"index.html": doctype(`<div id="root"></div><script type="module" src="a.js"></script>`), "a.js": "document.getElementById('root').append(<b>x</b>);\n"}, errors: []string{`a.js:1:40 error: The JSX syntax extension is not currently enabled`}},
		"jsx in .js of a vite project": {files: files{"package.json": `{` + reactPkg + `,"devDependencies":{"vite":"^7.0.0"}}`, "a.js": "export default () => <b>x</b>;\n"}, warnings: []string{"JSX in a .js file: some tools, Vite among them"}},
		"babel in the page":            {files: files{"index.html": doctype(`<div id="root"></div><script type="text/babel">ReactDOM.render(<b/>, document.getElementById('root'))</script><script type="text/template"><% if (x) { %></script>`)}, silent: true},
		"addresses of every kind": {files: files{"index.html": doctype(`<link rel="icon" href="/favicon.ico"><link rel="apple-touch-icon" sizes="180x180" href="touch.svg"><link rel="manifest" href="/manifest.json"><link rel="preload" as="font" href="/f.woff2">
<a href="mailto:a@b.c">m</a><a href="tel:+1">t</a><a href="sms:1">s</a><a href="#">h</a><a href="/about">a</a><a href="/@jo.doe">j</a><a href="/releases/v1.2">r</a><a href="cv.pdf">c</a><a href="/feed.xml">f</a><a href="user.name/profile">u</a>
<a href="https://example.com">e</a><form action="/search.php"></form><form action="https://example.com/f"></form><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt=""><img src="blob:x" alt=""><img src="logo.png" alt=""><video src="a.mp4"></video>
<img src="{{ logo }}" alt=""><img src="<%= logo %>" alt=""><img src="${logo}" alt=""><img src="%VITE_LOGO%" alt=""><script src="%PUBLIC_URL%/env.js"></script><img src="[[logo]]" alt="">`)},
			warnings: []string{`"/favicon.ico", which`, `"touch.svg", which`, `"/manifest.json", which`, `No page matches "/about"`, `"/@jo.doe", which`, `"/releases/v1.2", which`, `"cv.pdf", which`, `"/search.php", which`, `"logo.png", which`, `"a.mp4", which`}},
		"what a plain page must have": {files: files{"index.html": doctype(`<script src="a.js"></script><link rel="stylesheet" href="a.css"><img src="a.svg" alt=""><a href="gone.html">g</a>`)}, errors: []string{
			`index.html:1:79 error: <script src> names "a.js", which is not in the project`, `index.html:1:123 error: <link href> names "a.css", which is not in the project`, `index.html:1:140 error: <img src> names "a.svg", which is not in the project`, `index.html:1:163 error: <a href> names "gone.html", which is not in the project`}},
		"links of a project with tools": {files: files{"package.json": "{}", "index.html": doctype(`<a href="/gone.html">g</a>`)}, warnings: []string{`"/gone.html", which is not in the project`}},
		"other origins": {files: files{"index.html": doctype(`<script src="https://cdn.example.com/t.js"></script><link rel="stylesheet" href="//fonts.example.com/css"><img src="https://i.example.com/a.jpg" alt=""><iframe src="https://v.example.com/1"></iframe><script type="module">import x from 'https://esm.example.com/x'; x()</script><style>@import url(https://fonts.example.com/c); p { background: url(https://i.example.com/b.png) }</style>`)},
			warnings: []string{`"https://cdn.example.com/t.js" is on another origin`, `"//fonts.example.com/css" is on`, `"https://i.example.com/a.jpg" is on`, `"https://v.example.com/1" is on`, `"https://esm.example.com/x" is on`, `"https://fonts.example.com/c" is on`, `"https://i.example.com/b.png" is on`}},
		"ids": {files: files{"index.html": doctype(`<div id="app"></div><p id=note></p><script type="module" src="a.ts"></script>`), "a.ts": "import './b';\nconst one = document.getElementById('root')!;\ndocument.querySelector('#app');\ndocument.querySelector('#note .x');\none.innerHTML = '<b id=\"made\"></b>';\ndocument.getElementById('made');\nconst el = document.createElement('p'); el.id = 'late';\ndocument.getElementById(\"late\");\n", "b.ts": "document.querySelector('#nope');\n", "unused.ts": "document.getElementById('never');\n"},
			warnings: []string{`a.ts:2:22 warning: No page has an element with the id "root"`, `b.ts:1:10 warning: No page has an element with the id "nope"`}},
		"build output":                 {files: files{"package.json": "{}", ".gitignore": "public/gen\n", "dist/index.html": doctype(`<script src="app.js"></script>`), "build/a.js": "let a = ;", "node_modules/x/a.js": "let", "public/gen/a.css": "{", "coverage/lcov.html": "<script src=x.js></script>", "src/index.js": "console.log(1);"}, silent: true},
		"only a folder named dist":     {files: files{"dist/index.html": doctype(`<script src="app.js"></script>`)}, errors: []string{`dist/index.html:1:79 error: <script src> names "app.js", which is not in the project`}},
		"scripts from sass and coffee": {files: files{"package.json": `{"devDependencies":{"sass":"^1.0.0"}}`, "index.html": doctype(`<link rel="stylesheet" href="css/a.min.css">`), "css/a.scss": "$a: 1;"}, warnings: []string{`"css/a.min.css", which is not in the project: it is written by`}},
		"templates":                    {files: files{"manage.py": "x", "app/templates/base.html": `<!doctype html>{% load static %}<link rel="stylesheet" href="{% static 'a.css' %}"><script src="/static/js/app.js"></script><a href="{{ url }}">x</a><img src="nowhere.svg">`, "_includes/head.html": `<link rel="stylesheet" href="main.css">`, "assets/main.js": "---\n---\nvar x = {{ site.x }};", "css/a.css": "---\n---\np { color: {{ site.color }} }\n", "t.json": "{\"name\": {{ cookiecutter.name }}}"}},
		"fixtures":                     {files: files{"test/fixtures/broken.js": "let = ;", "test/fixtures/bad.json": "{", "cli/template/src/a.ts": "import './not-here';\nimport '~/b';", "__fixtures__/a.svg": "<svg>", "a.js": "let a = 1;"}, warnings: []string{"test/fixtures/broken.js:1:", "cli/template/src/a.ts:1:8"}},

		// Languages and files.
		"json that is read with comments": {files: files{".vscode/settings.json": "{ // c\n}", ".devcontainer/devcontainer.json": "/* c */ {\"a\": [1,],}", "tsconfig.eslint.json": "{ // c\n}", ".eslintrc": "{ # yaml\n}", ".eslintrc.json": "{ /* c */ }", ".babelrc": "{ // c\n}", "api-extractor.json": "// c\n{}", ".swcrc": "{ // c\n}", "deno.json": "{ // c\n}", "nx.json": "{ // c\n}", "project.json": "{ // c\n}", "a.jsonc": "{ // c\n}", "x.code-workspace": "{ // c\n}", ".prettierrc": "# yaml\nsemi: false\n", "renovate.json": "{ // c\n}", ".markdownlint.json": "{ // c\n}", "tslint.json": "{ // c\n}", "a.json5": "{a: 'x',}", ".codesandbox/tasks.json": "{ // c\n}"}, silent: true},
		"json that is not":                {files: files{"package.json": "{ // c\n}", "data.json": "{\"a\": 1,}", "manifest.json": "/* c */ {}"}, errors: []string{`data.json:1:8 error: JSON does not support trailing commas`, `manifest.json:1:1 error: JSON does not support comments`, `package.json:1:3 error: JSON does not support comments`}},
		"style sheets":                    {assets: []string{"a.eot", "b.woff2"}, files: files{"a.css": ".x { @apply p-1 }\n.y { *zoom: 1; _height: 1px; color: red\\9; filter: alpha(opacity=50); behavior: url(x.htc) }\n@-ms-viewport { width: device-width }\n@unknown foo { a: b }\n@supports not (x: y) { p { color: red } }\n@layer a, b;\n@container (min-width: 1px) { p { color: red } }\n.z { &:hover { color: red } }\n@media \\0screen { p { color: red } }\n// line comment\np { color: red;; }\n@import 'late.css';\n.i { background: url(a.eot?#iefix), url('b.woff2#f'), url(/img/c.svg), url(~pkg/d.png), url(\"data:image/svg+xml,<svg/>\"), url() }\n", "late.css": "p{}"}},
		"style sheets that break":         {files: files{"a.css": "p { color: red", "b.css": "p { color: red } }", "c.css": "p { content: \"x\n }"}, errors: []string{`a.css:1:15 error: Expected "}" to go with "{"`, `b.css:1:18 error: Unexpected "}"`, `c.css:1:16 error: Unterminated string token`}},
		"declarations":                    {files: files{"a.ts": "import { T, f } from './types';\nimport './globals';\nimport type { Gone } from './gone';\nexport * from './api';\nlet x: T; f(x);\nexport let g: Gone;\n", "types.d.ts": "export interface T { a: number }\nexport declare function f(x: T): void;\n", "globals.d.ts": "declare const X: number;\n", "api.d.ts": "import { Y } from './nowhere';\nexport { Y };\n"}, warnings: []string{`api.d.ts:1:19 warning: Could not resolve "./nowhere": only declarations name it`}},
		"generated files": {files: files{".gitignore": "*.local\n/src/config.ts\nschema/*.gen.*\n!keep.ts\n", "src/a.ts": "import c from './config';\nimport { x } from '../schema/x.gen';\nimport { r } from './routeTree.gen';\nimport { y } from './__generated__/y';\nimport { z } from './foo_pb';\nimport d from '../dist/d.js';\nimport type { Route } from './+types/root';\nconsole.log(c, x, r, y, z, d);\nexport type R = Route;\n"},
			warnings: []string{`"./config": it is written`, `"../schema/x.gen": it`, `"./routeTree.gen": it`, `"./__generated__/y": it`, `"./foo_pb": it`, `"../dist/d.js": it`}},
		"aliases of jest, babel, craco and package.json": {files: files{
			"package.json": `{"jest":{"moduleNameMapper":{"^~j/(.*)$":"<rootDir>/src/j/$1"}},"_moduleAliases":{"@m":"src/m"},"alias":{"@parcel":"./src/p"}}`, ".babelrc": `{"plugins":[["module-resolver",{"alias":{"^@b/(.+)":"./src/b/\\1","@c":"./src/c"}}]]}`, "craco.config.js": "const path = require(`path`);\nmodule.exports = { webpack: { alias: { '@craco': path.join(path.resolve(__dirname, './src'), 'k') } } };\n",
			"vite.config.ts": "import { fileURLToPath, URL } from 'node:url'\nimport { resolve } from 'path'\nconst root = 'frontend'\nexport default { resolve: { alias: [{ find: '@v', replacement: fileURLToPath(new URL('./src/v', import.meta.url)) }, { find: /^~\\//, replacement: `${__dirname}/src/` }, { find: '@w', replacement: resolve(__dirname, 'src', 'w') }] } }\n",
			"src/main.js":    "import '~j/a';\nimport '@m/a';\nimport '@parcel/a';\nimport '@c/a';\nimport '@craco/a';\nimport '@v/a';\nimport '~/b/a';\nimport '@w';\n", "src/j/a.js": "", "src/m/a.js": "", "src/p/a.js": "", "src/c/a.js": "", "src/k/a.js": "", "src/v/a.js": "", "src/b/a.js": "", "src/w/index.js": "",
		}, silent: true},
		"an alias that cannot be read": {files: files{"vite.config.js": "import { aliases } from './tools';\nexport default { resolve: { alias: { '@': aliases.root } } };\n", "tools.js": "export const aliases = {};", "a.js": "import '@/x';\n"}, warnings: []string{`"@/x": an alias of the project's tools that cannot be read here may lead to it`}},
		"an alias that leads nowhere":  {files: files{"vite.config.js": "import path from 'path';\nexport default { resolve: { alias: { '@': path.resolve(__dirname, 'src') } } };\n", "src/b.js": "", "a.js": "import '@/x';\n"}, errors: []string{`a.js:1:8 error: Could not resolve "@/x": the project has no such file`}},
		"what bundlers write out": {files: files{
			"package.json": `{"devDependencies":{"vite":"^7.0.0"}}`, "index.html": doctype(`<p id="out"></p><script type="module" src="/src/main.ts"></script>`), ".env": "VITE_TITLE=\"Walks\"\n",
			"src/main.ts": "const pages = import.meta.glob('./pages/*.ts');\nconst eager = import.meta.glob<{ n: number }>(['./pages/**/*.ts', '!**/b.ts'], { eager: true, import: 'n' });\n// import.meta.glob('./nothing/' + x)\nconst raw = import.meta.glob('./notes/*.txt', { query: '?raw', import: 'default' });\nimport W from './work?worker';\nconst w = new Worker(new URL('./other.ts', import.meta.url), { type: 'module' });\nconst pic = new URL('./pic.svg', import.meta.url).href;\n" +
				"document.getElementById('out')!.textContent = [import.meta.env.VITE_TITLE, process.env.NODE_ENV, process.env.NOTHING, import.meta.env.DEV, Object.keys(pages), eager, raw, new W(), w, pic, global.x].join();\nif (import.meta.hot) import.meta.hot.accept();\n",
			"src/pages/a.ts": "export const n = 'page a';\n", "src/pages/b.ts": "export const n = 'page b';\n", "src/notes/x.txt": "a note", "src/work.ts": "import { s } from './share';\npostMessage(s);\n", "src/other.ts": "import { s } from './share';\nonmessage = () => postMessage(s);\n", "src/share.ts": "export const s: string = 'shared';\n", "src/pic.svg": "<svg/>",
		}, silent: true, serves: map[string][]string{
			"__bundle/src/main.ts.js": {`"./pages/a.ts": () => import("/__bundle/chunks/`, `new URL("/src/other.ts", import.meta.url)`, `new URL("/src/pic.svg", import.meta.url)`, `new Worker("/src/work.ts"`},
			"src/work.ts":             {`s = "shared"`, "(() => {"}, "src/other.ts": {`s = "shared"`}}},
		"what they cannot": {files: files{"index.html": doctype(`<script type="module" src="a.js"></script>`), "a.js": "import { registerSW } from 'virtual:pwa-register';\nimport 'virtual:uno.css';\nimport { x } from '#imports';\nimport fs from 'fs';\nimport data from './d.yaml';\nimport q from './q.graphql';\nconst all = import.meta.glob(pattern);\nregisterSW(); console.log(x, fs, data, q, all);\n", "d.yaml": "a: 1", "q.graphql": "query { a }"},
			warnings: []string{`"virtual:pwa-register", which the project's own tools make`, `"#imports", which`, `"fs" of Node.js`, `a.js:7:13 warning: This import.meta.glob is not written with plain texts`, `"d.yaml" is loaded as text`, `"q.graphql" is loaded as text`},
			serves:   map[string][]string{"__bundle/a.js.js": {"a: 1", "query { a }"}}},
		"loaders in the import":      {files: files{"package.json": `{"devDependencies":{"webpack":"5"}}`, "a.js": "import t from '!!raw-loader!./b.txt';\nimport w from 'worker-loader!./w.js';\nexport { t, w };\n"}, silent: true},
		"rings of settings":          {files: files{"tsconfig.json": `{"extends":"./tsconfig.b.json"}`, "tsconfig.b.json": `{"extends":["./tsconfig.json","./gone.json","@none/x"],"compilerOptions":{"paths":{"a":["./x"]}},"references":[{"path":"."}]}`, "x.ts": "", "m.ts": "import 'a';\n"}, silent: true},
		"settings of the wrong type": {files: files{"tsconfig.json": `{"extends":1,"references":"x","compilerOptions":{"paths":[],"baseUrl":2}}`, "package.json": `{"name":1,"exports":[null,{"x":0}],"imports":"x","dependencies":[]}`, "a.ts": ""}, silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Check(t.Context(), c.tree())
			var errors, warnings []string
			for _, l := range lines(r) {
				if strings.Contains(l, " error: ") {
					errors = append(errors, l)
				} else {
					warnings = append(warnings, l)
				}
			}
			slices.Sort(c.errors)
			slices.Sort(errors)
			if !slices.Equal(errors, c.errors) {
				t.Errorf("errors\n%s\nwant\n%s", strings.Join(errors, "\n"), strings.Join(c.errors, "\n"))
			}
			if c.silent && len(warnings) > 0 {
				t.Errorf("warnings\n%s", strings.Join(warnings, "\n"))
			}
			site, built := Bundle(t.Context(), c.tree())
			said := strings.Join(append(warnings, lines(built)...), "\n")
			for _, w := range c.warnings {
				if !strings.Contains(said, w) {
					t.Errorf("no warning says %s:\n%s", w, said)
				}
			}
			if site == nil {
				if len(c.errors) == 0 {
					t.Errorf("no preview: %s", strings.Join(lines(built), "\n"))
				}
				return
			}
			for p, parts := range c.serves {
				a, ok := site.Find(p)
				for _, part := range parts {
					if !strings.Contains(a.Body, part) {
						t.Errorf("%s (%v) lacks %s:\n%s", p, ok, part, a.Body)
					}
				}
			}
			for p, a := range site.assets {
				if strings.HasPrefix(p, bundleDir) && strings.Contains(a.Body, "hush") {
					t.Errorf("%s holds a secret", p)
				}
			}
		})
	}
}

// What resolution costs grows with the tree, not with its square: twice the names and twice the imports look up twice as
// many paths.
func TestResolutionIsLinear(t *testing.T) {
	count := func(tree files) int64 {
		var d diagnostics
		tr := newTree(Tree{Files: tree}, &d)
		for _, p := range tr.paths {
			if isHTML(p) {
				pg := readPage(p, tr.files[p], &d)
				tr.addInlines(pg)
				tr.resolvePage(pg)
				tr.checkPage(pg, &graph{}, &d)
			}
		}
		for _, p := range tr.paths {
			if isScript(tr.loader(p)) {
				for spec := range strings.Lines(tr.files[p]) {
					spec = strings.TrimSpace(spec)
					tr.suggest(spec)
					tr.resolveScript(p, spec)
				}
			}
		}
		return tr.lookups.Load()
	}
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	for name, tree := range map[string]func(n int) files{
		"import map": func(n int) files {
			return files{"index.html": `<script type=importmap>{"imports":{` + list(n, `"p#":"./x.js","q#/":"./y/",`) + `"z":"./z.js"}}</script>`, "a.js": list(n, "p#\nq#/a\nnone#\n")}
		},
		"tsconfig paths": func(n int) files {
			return files{"tsconfig.json": `{"compilerOptions":{"paths":{` + list(n, `"@p#/*":["./x#/*"],"@q*#":["./y/*"],`) + `"z":["./z"]}}}`, "a.ts": list(n, "@p#/a\n@qx#\nnone#\n")}
		},
		"exports": func(n int) files {
			return files{"p/package.json": `{"name":"p","exports":{` + list(n, `"./a#":"./a#.js","./b#/*":"./b#/*.js",`) + `".":"./i.js"}}`, "a.js": list(n, "p/a#\np/b#/x\np/c#\n")}
		},
		"imports": func(n int) files {
			return files{"package.json": `{"imports":{` + list(n, `"#a#":"./a#.js","#b#/*":"./b#/*.js",`) + `"#":"./i.js"}}`, "a.js": list(n, "#a#\n#b#/x\n#c#\n")}
		},
		"aliases": func(n int) files {
			return files{"vite.config.js": "export default { alias: {" + list(min(n, 1900), "'@a#': './x#',\n") + "}}", "a.js": list(n, "@a#/b\n")}
		},
		"files": func(n int) files {
			tree := files{"a.js": list(n, "./Name#\n")}
			for i := range n {
				tree[fmt.Sprintf("d/name%d.ts", i)] = ""
			}
			return tree
		},
		"folders of settings": func(n int) files {
			tree := files{"a.js": list(n, "@/x#\n")}
			for i := range n {
				tree[fmt.Sprintf("d%d/tsconfig.json", i)] = `{"compilerOptions":{"baseUrl":"."}}`
				tree[fmt.Sprintf("d%d/package.json", i)] = "{}"
			}
			return tree
		},
		"configs of one folder": func(n int) files {
			tree := files{"a.js": list(n, "x#\n")}
			for i := range n {
				tree[fmt.Sprintf("tsconfig.%d.json", i)] = fmt.Sprintf(`{"compilerOptions":{"baseUrl":"./d%d"}}`, i)
			}
			return tree
		},
		"references": func(n int) files {
			return files{"index.html": list(n, `<img src="/gone#.svg"><a href="no#.html"></a><style>p{}</style>`)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			small, large := count(tree(200)), count(tree(800))
			if large > 5*small {
				t.Errorf("4 times the tree costs %d lookups instead of %d", large, small)
			}
		})
	}
}

// Each inline body is as long as it is in the page, so that a page of many costs what it weighs.
func TestManyInlineBodies(t *testing.T) {
	var d diagnostics
	body := strings.Repeat("<style>p{}</style>", 5_000)
	tr := newTree(Tree{Files: files{"index.html": body}}, &d)
	pg := readPage("index.html", body, &d)
	tr.addInlines(pg)
	total := 0
	for p := range tr.inlines {
		total += len(tr.files[p])
	}
	if len(tr.inlines) != 5_000 || total > len(body) {
		t.Errorf("%d bodies of %d bytes in a page of %d", len(tr.inlines), total, len(body))
	}
}
