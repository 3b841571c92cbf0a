package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the types of the document")

// What is served was made of the sources that are here. This needs no packages; that it is what they make of them is compared by
// scripts/assets.
func TestDistIsCurrent(t *testing.T) {
	sum, err := sumOfSources(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile("../" + sumFile)
	if err != nil || string(was) != sum+"\n" {
		t.Errorf("console/dist is not made of the sources: run go run ./console/build (%v)", err)
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	document, err := os.ReadFile("../../internal/api/testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	types, err := schemaTypes(document)
	if err != nil {
		t.Fatal(err)
	}
	const name = "../src/schema.ts"
	if *update {
		if err := os.WriteFile(name, types, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(name); err != nil || !bytes.Equal(was, types) {
		t.Errorf("console/src/schema.ts is not that of the document: run make docs (%v)", err)
	}
}

func TestSchemaTypes(t *testing.T) {
	got, err := schemaTypes([]byte(`{"components":{"schemas":{"A":{"type":"object","required":["n","list"],"properties":{
		"$schema":{"type":"string"},"n":{"type":["integer","null"]},"list":{"type":"array","items":{"type":["string","null"]}},"b":{"$ref":"#/components/schemas/B"},"any":{}}},
		"B":{"type":"string","enum":["x","y"]},"C":{"type":"object","additionalProperties":{"oneOf":[{"type":"boolean"},{"$ref":"#/components/schemas/B"}]}},"D":{"allOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/C"}]}}}}`))
	const want = `// Made of the OpenAPI document by go run ./console/build -schema. Change nothing here.

export type A = {
  any?: unknown;
  b?: B;
  list: (string | null)[];
  n: number | null;
};

export type B = "x" | "y";

export type C = Record<string, (boolean | B)>;

export type D = A & C;
`
	if err != nil || string(got) != want {
		t.Errorf("%s\n%v", got, err)
	}
}
