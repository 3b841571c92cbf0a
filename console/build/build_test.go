package main

import (
	"os"
	"testing"
)

// What is served was made of the sources that are here. This needs no packages; that it is what they make of them is compared by
// scripts/assets.
func TestDistIsCurrent(t *testing.T) {
	sum, err := sumOfSources(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile("../" + sumFile)
	if err != nil || string(was) != sum+"\n" {
		t.Errorf("console/dist is not made of the sources: run go run ./console/build (%v)", err)
	}
}
