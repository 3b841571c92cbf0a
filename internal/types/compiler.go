package types

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
)

// version of the compiler that is fetched, and the sum of its package for each kind of machine. They go together.
const version = "7.0.2"

var sums = map[string]string{
	"linux-x64":    "sha512-EYdf2cNg7rgCWJnxCdJ+F3V39O8ihb37eHAu1LK8oAFizgTQbPOK7zHHXbPt8rX24COqODXeI3sIf0fCXG7H/A==",
	"linux-arm64":  "sha512-Qh4eU4/y3yDjnfjjyPYihMj5/ODIlmt+Bzu17OI+fiSRDW57QmU5SiN63exPRNJPKUzcc1INa1NXdrJ+MqHjUQ==",
	"darwin-x64":   "sha512-SZ9xZInqApNlNGc9s0W1VSsktYSOe9cFqNOIqmN1Gs8SmkjKZYFt017G4VwPxASInODuAdbTW7sXiFUf893RgA==",
	"darwin-arm64": "sha512-gowzar9MwS/aRWp6f3a4KUqzRjAZjOsmGNCM6LcTgXum+dBfgsBVMN+AgvOCCbguXyick6LJhpBszxMebJ8syA==",
	"win32-x64":    "sha512-0BQ3HkAHHlKLSp1qRvf3SUhGpGsDuhB/jgFw75guyqbxJqEaS0Cw/VFO8i2nHglJUzQCRtMMR/IBAKE3ETMC4g==",
	"win32-arm64":  "sha512-Gyl1Vy6OsWesLzmq+EP0Fb7b4Nid5232AvcA2SFcdYreldpNtYFFofPjnt62y9hQy7VTaZp65ICJjuAQRaVcIQ==",
}

// machine is this kind of machine as npm's packages name it.
func machine() string {
	system, arch := runtime.GOOS, runtime.GOARCH
	if system == "windows" {
		system = "win32"
	}
	if arch == "amd64" {
		arch = "x64"
	}
	return system + "-" + arch
}

// compiler is where the compiler comes from.
type compiler struct {
	npm           *npm.Client
	path, setting string

	mu      sync.Mutex
	version string // of path, once it was asked
}

// program is a compiler that can be run.
type program struct {
	path   string
	folder string // its declarations of the language lie there
}

// known is the compiler's version as far as it is known.
func (c *compiler) known() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path == "" {
		return version
	}
	return c.version
}

// find is the compiler, or the reason why there is none.
func (c *compiler) find(ctx context.Context) (program, string, error) {
	if c.path != "" {
		reason, err := c.ask(ctx)
		path, link := filepath.EvalSymlinks(c.path)
		if link != nil {
			path = c.path
		}
		return program{path, filepath.Dir(path)}, reason, err
	}
	sum, ok := sums[machine()]
	if !ok {
		return program{}, fmt.Sprintf("There is no TypeScript compiler for this kind of machine (%s); %s names one", machine(), c.setting), nil
	}
	folder, err := c.npm.Tool(ctx, "@typescript/typescript-"+machine(), version, sum)
	if problem, ok := errors.AsType[*npm.Problem](err); ok {
		return program{}, fmt.Sprintf("The TypeScript compiler is not here: %s. %s may name one", strings.TrimRight(problem.Message, "."), c.setting), nil
	}
	if err != nil {
		return program{}, "", err
	}
	name := "tsc"
	if runtime.GOOS == "windows" {
		name = "tsc.exe"
	}
	return program{filepath.Join(folder, "lib", name), filepath.Join(folder, "lib")}, "", nil
}

// Compiler is the path of the compiler that is fetched, or the reason why there is none.
func Compiler(ctx context.Context, client *npm.Client) (path, reason string, err error) {
	p, reason, err := (&compiler{npm: client, setting: "TSC_PATH"}).find(ctx)
	return p.path, reason, err
}

var versionText = regexp.MustCompile(`^Version (\d+)\.([\w.-]+)\s*$`)

// ask asks the compiler that a setting names for its version, once it has answered well never again.
func (c *compiler) ask(ctx context.Context) (reason string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version != "" {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	path, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return fmt.Sprintf("%s names %s, which is not there", c.setting, c.path), nil
	}
	out, err := sandbox.Program{Path: path, Args: []string{"--version"}, Dir: os.TempDir(), Read: []string{filepath.Dir(path)}, Memory: 1 << 30, MaxOutput: 1 << 10}.Run(ctx)
	m := versionText.FindSubmatch(out.Text)
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", context.Cause(ctx)
	case err != nil || m == nil || len(m[1]) == 1 && m[1][0] < '7':
		return fmt.Sprintf("%s names %s, which is not TypeScript's native compiler (lib/tsc of @typescript/typescript-%s, from version 7 on)", c.setting, c.path, machine()), nil
	}
	c.version = string(m[1]) + "." + string(m[2])
	return "", nil
}
