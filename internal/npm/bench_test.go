package npm

import (
	"cmp"
	"os"
	"testing"
)

// BenchmarkResolve resolves projects whose packages are known: what a check costs before it begins.
func BenchmarkResolve(b *testing.B) {
	c := open(b, Options{Registry: Machine(b.Context(), os.Getenv, true), Dir: cmp.Or(os.Getenv("CODEFORGE_NPM_CACHE"), b.TempDir())})
	for _, name := range []string{"ten libs", "cra"} {
		p := Project{Manifests: map[string][]byte{"package.json": []byte(projects[name]["package.json"])}}
		lock, _, err := c.Resolve(b.Context(), p)
		if err != nil {
			b.Skipf("no registry can be had: %v", err)
		}
		resolve := func(b *testing.B) {
			for b.Loop() {
				if _, _, err := c.Resolve(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(name, resolve)
		p.Lock = lock.Bytes()
		b.Run(name+", locked", resolve)
	}
}
