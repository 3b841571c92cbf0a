package main

import (
	"os"
	"testing"
)

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
