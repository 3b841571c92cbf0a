package browser

import (
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// TestSourceMaps: what goes wrong in a bundle is told at its place in the source, through a map beside it or within it.
func TestSourceMaps(t *testing.T) {
	source := "import { total } from './sum';\n\nconst list: number[] | null = null;\nconsole.log(total(list as any));\n"
	for _, kind := range []api.SourceMap{api.SourceMapLinked, api.SourceMapInline} {
		built := api.Build(api.BuildOptions{
			Stdin:  &api.StdinOptions{Contents: source, Sourcefile: "src/main.ts", Loader: api.LoaderTS},
			Bundle: true, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Sourcemap: kind, Outdir: "/assets", AbsWorkingDir: "/", Write: false,
			Plugins: []api.Plugin{{Name: "files", Setup: func(b api.PluginBuild) {
				b.OnResolve(api.OnResolveOptions{Filter: "sum"}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
					return api.OnResolveResult{Path: "/src/sum.ts", Namespace: "file"}, nil
				})
				b.OnLoad(api.OnLoadOptions{Filter: "sum"}, func(api.OnLoadArgs) (api.OnLoadResult, error) {
					text := "export function total(list: number[]) {\n  let sum = 0;\n  for (const n of list) sum += n;\n  return sum;\n}\n"
					return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, nil
				})
			}}},
		})
		if len(built.Errors) > 0 {
			t.Fatal(built.Errors)
		}
		site := files{"index.html": document(`<p>Hello</p><script src="/assets/stdin.js"></script>`)}
		for _, f := range built.OutputFiles {
			site[strings.TrimPrefix(f.Path, "/")] = string(f.Contents)
		}
		want(t, look(t, site), "error exception / 1280: TypeError: t is not iterable (src/sum.ts:3:19)")
	}
}
