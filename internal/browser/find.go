package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Program is a Chromium, or a browser made of one.
type Program struct {
	Path    string
	Version string // 148.0.7778.167
}

// names of the program, in the order in which they are looked for.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "chrome-headless-shell", "headless-shell", "microsoft-edge"}

// ErrNotFound: this machine has no browser under any of the usual names.
var ErrNotFound = errors.New("no Chromium was found: install the package chromium, or name the program with BROWSER_PATH")

// versionTakes is how long a program may take to say which it is: the first start of a browser reads hundreds of megabytes.
const versionTakes = 20 * time.Second

var versionPattern = regexp.MustCompile(`\b\d+(\.\d+){3}\b`)

// Find returns the program at path, or where that is "" the first of the usual names that PATH has, and asks it for its version.
func Find(ctx context.Context, path string) (Program, error) {
	if path == "" {
		for _, name := range names {
			if p, err := exec.LookPath(name); err == nil {
				path = p
				break
			}
		}
		if path == "" {
			return Program{}, ErrNotFound
		}
	}
	ctx, cancel := context.WithTimeout(ctx, versionTakes)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = environment("/nonexistent")
	cmd.WaitDelay = time.Second
	said, err := cmd.Output()
	if err != nil {
		return Program{}, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	version := versionPattern.FindString(string(said))
	if version == "" {
		return Program{}, fmt.Errorf("%s is no Chromium: asked for its version it says %.100q", path, strings.TrimSpace(string(said)))
	}
	return Program{Path: path, Version: version}, nil
}
