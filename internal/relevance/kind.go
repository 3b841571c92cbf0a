package relevance

import (
	"path"
	"regexp"
	"strings"
)

// kind is what sort of file a path is, as far as that says whether somebody means it.
type kind string

const (
	kindSource    kind = "source"
	kindTest      kind = "test"
	kindDocument  kind = "document"
	kindTypes     kind = "types"     // declarations alone
	kindData      kind = "data"      // JSON, YAML, translations, fixtures
	kindMigration kind = "migration" // of a database
	kindMarkup    kind = "markup"    // whole pages: many words, few of them of the matter
	kindBarrel    kind = "barrel"    // only hands on what other files declare
	kindNoise     kind = "noise"     // licences, changelogs, locks, generated and minified files, drawings
)

// shares are how much the words of a file of a kind count, where the task does not speak of that kind.
var shares = map[kind]float64{kindSource: 1, kindTest: 0.4, kindDocument: 0.35, kindTypes: 0.5, kindData: 0.5, kindMigration: 0.3, kindMarkup: 0.4, kindBarrel: 0.3, kindNoise: 0.05}

// kindWords tell, by folded word, that a task speaks of a kind.
var kindWords = map[string]kind{"test": kindTest, "spec": kindTest, "story": kindTest, "snapshot": kindTest, "readme": kindDocument, "documentation": kindDocument,
	"docs": kindDocument, "doc": kindDocument, "type": kindTypes, "declaration": kindTypes, "migration": kindMigration, "migrat": kindMigration,
	"translation": kindData, "translat": kindData, "fixtur": kindData, "licenc": kindNoise, "licens": kindNoise, "html": kindMarkup, "markup": kindMarkup, "changelog": kindNoise, "lockfil": kindNoise}

var (
	noiseRE   = regexp.MustCompile(`(?i)(^|/)(licen[cs]e|copying|notice|changelog|changes|history|authors|contributors|privacy|code_of_conduct|security)(\.(md|txt|rst))?$|(^|/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|composer\.lock|gemfile\.lock|cargo\.lock|poetry\.lock|go\.sum)$|\.(svg|map|snap|tsbuildinfo|lock)$|\.min\.\w+$|(^|/)(dist|build|out|coverage|vendor|node_modules|__snapshots__|\.next|\.nuxt)/`)
	testRE    = regexp.MustCompile(`(?i)(^|/)(tests?|__tests__|__mocks__|specs?|e2e|cypress|stories|fixtures)/|[._-](test|spec|stories|story|e2e|cy)\.\w+$|_test\.go$|(^|/)test_[^/]+\.py$`)
	docRE     = regexp.MustCompile(`(?i)\.(md|mdx|rst|txt|adoc)$`)
	migrateRE = regexp.MustCompile(`(?i)(^|/)(migrations?|migrate|seeders?|seeds)/`)
	dataRE    = regexp.MustCompile(`(?i)\.(json|ya?ml|toml|csv|xml|po|ftl)$|(^|/)(locales?|i18n|lang)/`)
	madeRE    = regexp.MustCompile(`(?i)(@generated|(auto-?generated|generated (by|from|file)|do not edit))`)
)

func kindOf(p, text string) kind {
	head := text[:min(len(text), 600)]
	switch {
	case noiseRE.MatchString(p), madeRE.MatchString(head), longLines(text):
		return kindNoise
	case strings.HasSuffix(p, ".d.ts"):
		return kindTypes
	case testRE.MatchString(p):
		return kindTest
	case migrateRE.MatchString(p):
		return kindMigration
	case docRE.MatchString(p):
		return kindDocument
	case strings.HasSuffix(p, ".html"), strings.HasSuffix(p, ".htm"):
		return kindMarkup
	case barrel(text):
		return kindBarrel
	case dataRE.MatchString(p) && path.Base(p) != "package.json":
		return kindData
	}
	return kindSource
}

var handsOnRE = regexp.MustCompile(`^(export\s.*\sfrom\s|import\s|export\s*\{|module\.exports\s*=\s*require|\}|[\w$, ]+,?$|//|/?\*|'use |"use |$)`)

// barrel tells a file in which every line only imports or exports what stands elsewhere.
func barrel(text string) bool {
	if len(text) > 20_000 || !strings.Contains(text, "export") {
		return false
	}
	for line := range strings.Lines(text) {
		if !handsOnRE.MatchString(strings.TrimSpace(line)) {
			return false
		}
	}
	return true
}

// longLines tells machine-made text: hardly a line break in much text.
func longLines(text string) bool {
	return len(text) > 5_000 && strings.Count(text[:min(len(text), 50_000)], "\n") < min(len(text), 50_000)/1_000
}

// distinct tells names that stand in a text for a file from plain words of a sentence.
func distinct(stem string) bool {
	return strings.ContainsAny(stem, "_-.") || strings.ToLower(stem[1:]) != stem[1:]
}

// Share is how likely a file of the kind that its path and text show is meant, from 0 to 1: code is 1.
func Share(path, text string) float64 { return shares[kindOf(path, text)] }
