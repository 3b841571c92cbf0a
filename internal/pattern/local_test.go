package pattern

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
)

func embedded(t *testing.T, text string) []float32 {
	t.Helper()
	v, err := Local{}.Embed(t.Context(), llm.Call{}, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// Texts about the same are nearer to each other than others; every text has a vector of length 1.
func TestLocalNearness(t *testing.T) {
	texts := []string{
		"A CRM for dog walkers: keep customers, their dogs and the walks of each day, and send invoices at the end of the month",
		"Customer management for pet sitters with customers, their animals, visits and monthly invoices",
		"A puzzle game in which falling blocks are turned and laid in rows, with levels and a high score",
		"An arcade game with levels, a score and falling stones",
		"A shop for handmade candles with a cart, checkout and orders",
		"Online store that sells candles: product pages, cart, checkout",
	}
	for i, text := range texts {
		v := embedded(t, text)
		if length := cosine(v, v); math.Abs(length-1) > 1e-5 || len(v) != codeforge.VectorSize {
			t.Errorf("%d numbers, length %v", len(v), length)
		}
		twin := i ^ 1
		for j, other := range texts {
			if j != i && j != twin && cosine(v, embedded(t, other)) >= cosine(v, embedded(t, texts[twin])) {
				t.Errorf("%q is nearer to %q than to %q", text, other, texts[twin])
			}
		}
	}
	for _, text := range []string{"", "the a of", "🚲🚲", "\xff\xfe", "犬の散歩をする人のための顧客管理"} {
		if v := embedded(t, text); math.Abs(cosine(v, v)-1) > 1e-5 {
			t.Errorf("%q has the length %v", text, cosine(v, v))
		}
	}
}

// The vectors are those that are stored: whoever changes them changes the model's name.
func TestLocalIsStable(t *testing.T) {
	h := sha256.New()
	for _, x := range embedded(t, "A CRM for dog walkers: customers, dogs, walks, and an invoice a month") {
		binary.Write(h, binary.LittleEndian, x)
	}
	if got := fmt.Sprintf("%s %x", LocalModel, h.Sum(nil)[:8]); got != "local:ngrams-1 3c1bef662f88ed06" {
		t.Errorf("vectors of %s", got)
	}
}
