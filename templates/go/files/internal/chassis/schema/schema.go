// Package schema makes JSON Schemas of Go types, and Go values of JSON trees that such a schema allows.
//
// A field's `json` tag names it, `doc` describes it, `default` makes it optional, and so do `omitempty` and a
// pointer. `schema` holds what its value must keep, in JSON Schema's own words:
//
//	Text  string `json:"text" schema:"minLength=1 maxLength=1000 notBlank" doc:"Text to process; not blank."`
//	Steps int    `json:"steps" schema:"minimum=1 maximum=100" default:"10" doc:"Number of steps."`
//
// Lengths are counted in code points. A string type whose values are known says them with [Enum]. What is optional
// is not nullable. A type that cannot be described is a mistake in the program, and panics when it is declared.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Enum is a string type that has no other values.
type Enum interface{ Values() []string }

// Type is a Go type as a JSON Schema sees it.
type Type struct {
	kind     string
	goType   reflect.Type
	format   string
	values   []string
	rules    rules
	fields   []field
	items    *Type
	describe string
}

type field struct {
	*Type
	name     string
	index    int
	pointer  bool
	required bool
	fallback any
}

type rules struct {
	minimum, maximum *float64
	minLen, maxLen   *int
	pattern          *regexp.Regexp
	notBlank         bool
}

// Of describes T, which is a struct.
func Of[T any]() *Type {
	goType := reflect.TypeFor[T]()
	if goType.Kind() != reflect.Struct {
		panic(fmt.Sprintf("schema: %s is no struct", goType))
	}
	return describe(goType)
}

var timestamp = reflect.TypeFor[time.Time]()

func describe(goType reflect.Type) *Type {
	t := &Type{goType: goType}
	switch goType.Kind() {
	case reflect.String:
		t.kind = "string"
		if enum, ok := reflect.Zero(goType).Interface().(Enum); ok {
			t.values = enum.Values()
		}
	case reflect.Bool:
		t.kind = "boolean"
	case reflect.Int, reflect.Int64:
		t.kind = "integer"
	case reflect.Float64:
		t.kind = "number"
	case reflect.Slice:
		t.kind, t.items = "array", describe(goType.Elem())
	case reflect.Map:
		t.kind = "object"
	case reflect.Struct:
		if goType == timestamp {
			t.kind, t.format = "string", "date-time"
			break
		}
		t.kind = "object"
		for i := range goType.NumField() {
			t.fields = append(t.fields, describeField(goType.Field(i), i))
		}
	default:
		panic(fmt.Sprintf("schema: no JSON Schema for %s", goType))
	}
	return t
}

func describeField(source reflect.StructField, index int) field {
	name, options, _ := strings.Cut(source.Tag.Get("json"), ",")
	if name == "" || !source.IsExported() {
		panic(fmt.Sprintf("schema: field %s has no json name", source.Name))
	}
	goType, pointer := source.Type, source.Type.Kind() == reflect.Pointer
	if pointer {
		goType = goType.Elem()
	}
	t := describe(goType)
	t.describe = source.Tag.Get("doc")
	t.rules = parseRules(source)
	f := field{Type: t, name: name, index: index, pointer: pointer}
	fallback, optional := source.Tag.Lookup("default")
	if optional {
		if err := json.Unmarshal([]byte(fallback), &f.fallback); err != nil {
			panic(fmt.Sprintf("schema: default of %s is no JSON: %s", source.Name, fallback))
		}
	}
	f.required = !optional && !pointer && options != "omitempty"
	return f
}

func parseRules(source reflect.StructField) rules {
	var r rules
	for rule := range strings.FieldsSeq(source.Tag.Get("schema")) {
		name, value, _ := strings.Cut(rule, "=")
		number, err := strconv.ParseFloat(value, 64)
		if strings.HasPrefix(name, "m") && err != nil {
			panic(fmt.Sprintf("schema: %s of %s is no number", name, source.Name))
		}
		length := int(number)
		switch name {
		case "minimum":
			r.minimum = &number
		case "maximum":
			r.maximum = &number
		case "minLength":
			r.minLen = &length
		case "maxLength":
			r.maxLen = &length
		case "pattern":
			r.pattern = regexp.MustCompile(value)
		case "notBlank":
			r.notBlank = true
		default:
			panic(fmt.Sprintf("schema: unknown rule %s of %s", name, source.Name))
		}
	}
	return r
}

// Input is the schema of arguments: closed, nothing else is allowed.
func (t *Type) Input() map[string]any { return t.document(true) }

// Output is the schema of results: open, more may come.
func (t *Type) Output() map[string]any { return t.document(false) }

func (t *Type) document(closed bool) map[string]any {
	document := map[string]any{"type": t.kind}
	set := func(key string, value any) { document[key] = value }
	if t.describe != "" {
		set("description", t.describe)
	}
	if t.format != "" {
		set("format", t.format)
	}
	if t.values != nil {
		set("enum", t.values)
	}
	if t.items != nil {
		set("items", t.items.document(closed))
	}
	t.rules.document(set)
	if t.fields == nil {
		return document
	}
	properties, required := map[string]any{}, []string{}
	for _, f := range t.fields {
		property := f.document(closed)
		if f.fallback != nil {
			property["default"] = f.fallback
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	set("properties", properties)
	if len(required) > 0 {
		set("required", required)
	}
	if closed {
		set("additionalProperties", false)
	}
	return document
}

func (r rules) document(set func(string, any)) {
	if r.minimum != nil {
		set("minimum", *r.minimum)
	}
	if r.maximum != nil {
		set("maximum", *r.maximum)
	}
	if r.minLen != nil {
		set("minLength", *r.minLen)
	}
	if r.maxLen != nil {
		set("maxLength", *r.maxLen)
	}
	if r.pattern != nil {
		set("pattern", r.pattern.String())
	}
}
