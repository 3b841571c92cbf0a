package server

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated")

// generated compares a file with what it should be, and writes that with -update.
func generated(t *testing.T, name, want string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !*update {
		t.Fatal(err)
	}
	switch {
	case want == string(text):
	case !*update:
		t.Fatalf("%s is not what the settings in the code say: run make docs", name)
	default:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestREADMESettings: the table of settings is made from the code.
func TestREADMESettings(t *testing.T) {
	const page = "../../docs/settings.md"
	var b strings.Builder
	b.WriteString("<!-- settings -->\n| variable | flag | default | what it does |\n| --- | --- | --- | --- |\n")
	for f := range shownSettings() {
		def := f.Tag.Get("default")
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s |\n", strings.ReplaceAll(f.Tag.Get("env"), ",", "` or `"), f.Tag.Get("name"), def, f.Tag.Get("help"))
	}
	b.WriteString("<!-- /settings -->")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	generated(t, page, regexp.MustCompile(`(?s)<!-- settings -->.*<!-- /settings -->`).ReplaceAllLiteralString(string(text), b.String()))
}

// shownSettings are those that people are told of, in order.
func shownSettings() func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range reflect.TypeFor[Config]().Fields() {
			if _, hidden := f.Tag.Lookup("hidden"); !hidden && !yield(f) {
				return
			}
		}
	}
}

// TestEnvExample: the example of an .env file is made from the code, changes nothing as it is, and each of its lines can be used.
func TestEnvExample(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# All settings of CodeForge. Copy this file to .env in the folder where you start it, and uncomment what you need.
# As it is it changes nothing: a laptop needs none of it. Flags and variables of the process go before this file.
# Every setting that is a secret can come from a file: NAME_FILE=/run/secrets/name instead of NAME.
#
# A model:                 one of OPENAI_API_KEY, ANTHROPIC_API_KEY, GOOGLE_API_KEY, LLM_COMPATIBLE_URL
# Users, from Supabase:    SUPABASE_URL, with SUPABASE_SERVICE_KEY or DATABASE_URL, and STREAM_SECRET
# What holds, and is well: codeforge config, codeforge doctor
`)
	args := []string{}
	for f := range shownSettings() {
		name, def := variables(f)[0], f.Tag.Get("default")
		b.WriteString("\n")
		for line := range wrap(f.Tag.Get("help"), 117) {
			b.WriteString("# " + line + "\n")
		}
		fmt.Fprintf(&b, "#%s=%s\n", name, def)
		if def != "" {
			args = append(args, "--"+f.Tag.Get("name")+"="+def)
		}
	}
	var c Config
	if err := parse(&c, args); err != nil {
		t.Errorf("the defaults as they stand in the file: %v", err)
	}
	generated(t, "../../.env.example", b.String())
}

// wrap breaks a text into lines of some width.
func wrap(text string, width int) func(func(string) bool) {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && len(line)+1+len(word) > width {
				if !yield(line) {
					return
				}
				line = ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		yield(line)
	}
}
