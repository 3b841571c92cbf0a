package telemetry_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"codeforge/internal/telemetry"
)

var update = flag.Bool("update", false, "rewrite what is generated")

// TestMetricsPage: docs/metrics.md lists all metrics, as the code does.
func TestMetricsPage(t *testing.T) {
	const page = "../../docs/metrics.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics -->\n", "<!-- /metrics -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatal("the page has no place for the table")
	}
	var b strings.Builder
	b.WriteString("| metric | kind | labels | what it says, and what to do |\n| --- | --- | --- | --- |\n")
	for _, m := range telemetry.Catalogue() {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, labels, m.Help)
	}
	want := head + begin + b.String() + end + tail
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/metrics.md is not what the code says: run make docs")
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
