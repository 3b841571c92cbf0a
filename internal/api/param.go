package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// OptionalParam is a parameter of which it matters whether it was given. Like the embedded parts of inputs it is exported because the
// framework reads no others.
type OptionalParam[T any] struct {
	Value T
	given bool
}

// Schema is that of the value.
func (OptionalParam[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver is where the framework puts the value.
func (p *OptionalParam[T]) Receiver() reflect.Value { return reflect.ValueOf(&p.Value).Elem() }

// OnParamSet is told whether it was given.
func (p *OptionalParam[T]) OnParamSet(given bool, _ any) { p.given = given }
