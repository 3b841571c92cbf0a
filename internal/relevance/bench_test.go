package relevance_test

import (
	"fmt"
	"strings"
	"testing"

	"codeforge/internal/relevance"
)

// BenchmarkRank is what a prompt pays on a project of 2,000 files and 10 MB.
func BenchmarkRank(b *testing.B) {
	files := map[string]string{}
	for i := range 2000 {
		files[fmt.Sprintf("src/part%d/name%d.ts", i%40, i)] = strings.Repeat(fmt.Sprintf("export function loadInvoice%d(customerName: string) { return readStore(customerName, %d) }\n", i, i), 55)
	}
	for b.Loop() {
		relevance.New(files).Rank("Invoices of a customer should be loaded once", nil)
	}
}
