package guide_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"codeforge/docs"
	"codeforge/internal/guide"
)

func files(t *testing.T) map[string]guide.File {
	t.Helper()
	all, err := guide.Files("/docs")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestGuide: every document is a page that the navigation lists once, and each link leads to a page and a place that are there.
func TestGuide(t *testing.T) {
	all := files(t)
	names, err := docs.Pages.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	first := string(all[guide.Root].Data)
	nav, _, _ := strings.Cut(first[strings.Index(first, "<nav"):], "</nav>")
	for _, n := range names {
		path := guide.Root + "/" + strings.TrimSuffix(n.Name(), ".md")
		if n.Name() == "README.md" {
			path = guide.Root
		} else if strings.Count(nav, `href="`+path+`"`) != 1 {
			t.Errorf("%s stands %d times in the navigation: docs/README.md is it", n.Name(), strings.Count(nav, `href="`+path+`"`))
		}
		page := string(all[path].Data)
		if strings.Count(page, "<h1") != 1 || strings.Contains(page, "<title> ·") {
			t.Errorf("%s has %d titles", n.Name(), strings.Count(page, "<h1"))
		}
		if n.Name() != "README.md" && !strings.Contains(page, `aria-current="page"`) {
			t.Errorf("%s does not say where it is", n.Name())
		}
	}
	links := 0
	for path, f := range all {
		for _, m := range regexp.MustCompile(`<a [^>]*href="([^"]*)"`).FindAllStringSubmatch(string(f.Data), -1) {
			to, place, _ := strings.Cut(m[1], "#")
			if to == "" {
				to = path
			}
			if strings.HasPrefix(to, "https://") || to == "/docs" {
				continue
			}
			links++
			target, ok := all[to]
			if !ok {
				t.Errorf("%s: %s leads nowhere", path, m[1])
			} else if place != "" && !strings.Contains(string(target.Data), `id="`+place+`"`) {
				t.Errorf("%s: %s leads to no place of that page", path, m[1])
			}
		}
	}
	if links < 100 {
		t.Errorf("%d links: the pages are not read", links)
	}
}

// TestNothingIsLoadedFromElsewhere: nor is there any script or style in a page, which the policy would stop.
func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	for path, f := range files(t) {
		text := regexp.MustCompile(`(?s)<code[^>]*>.*?</code>`).ReplaceAllString(string(f.Data), "") // what is shown is not done
		for _, m := range regexp.MustCompile(`(?:\ssrc=|<link[^>]* href=|url\()["']?([^"')\s>]*)`).FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], guide.Root+"/") {
				t.Errorf("%s loads %s", path, m[1])
			}
		}
		if bad := regexp.MustCompile(`<script|\sstyle=|\son[a-z]+=|<style|@import`).FindString(text); bad != "" {
			t.Errorf("%s holds %q", path, bad)
		}
	}
}

// TestRepositoryLinks: the documents beside the guide lead to files that are there, and places in them.
func TestRepositoryLinks(t *testing.T) {
	const root = "../.."
	all := files(t)
	for _, name := range []string{"README.md", "SECURITY.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
			to, place, _ := strings.Cut(m[1], "#")
			if strings.HasPrefix(to, "https://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			}
			page := strings.TrimSuffix(strings.TrimPrefix(to, "docs/"), ".md")
			if place != "" && !strings.Contains(string(all[guide.Root+"/"+page].Data), `id="`+place+`"`) {
				t.Errorf("%s: %s leads to no place of that page", name, m[1])
			}
		}
	}
}
