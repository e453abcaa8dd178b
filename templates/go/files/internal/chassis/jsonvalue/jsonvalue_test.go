package jsonvalue

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]any{
		` {"a":[1,-2.5e+3,true,false,null,"x"]} `: map[string]any{
			"a": []any{Number("1"), Number("-2.5e+3"), true, false, nil, "x"},
		},
		"\ufeff{}":              map[string]any{},
		"[]":                    []any{},
		`{"a":1,"a":2}`:         map[string]any{"a": Number("2")},
		`"\"\\\/\b\f\n\r\tA😀"`:  "\"\\/\b\f\n\r\tA\U0001f600",
		`"\ud83d\ude00 \u00e9"`: "\U0001f600 é",
		`"a\ud800b"`:            "a\xed\xa0\x80b",
		`"\udc00"`:              "\xed\xb0\x80",
		`"\ud800A"`:             "\xed\xa0\x80A",
		`0`:                     Number("0"),
		`1e400`:                 Number("1e400"),
	} {
		if got, err := Parse([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v %v", text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrJSON, "{": ErrJSON, "[1,]": ErrJSON, `{"a"}`: ErrJSON, `{a:1}`: ErrJSON, `{"a":1,}`: ErrJSON, "01": ErrJSON,
		"1.": ErrJSON, "-": ErrJSON, "1e": ErrJSON, "NaN": ErrJSON, "Infinity": ErrJSON, "tru": ErrJSON, "nul": ErrJSON,
		`"`: ErrJSON, `"\x"`: ErrJSON, `"\u12"`: ErrJSON, `"\uzzzz"`: ErrJSON, "\"\n\"": ErrJSON, `"\n` + "\n" + `"`: ErrJSON,
		"1 2": ErrJSON, `"\`: ErrJSON, "[1 2]": ErrJSON, `{"a":tru}`: ErrJSON, "'a'": ErrJSON,
		"\"\xff\"":                         ErrUTF8,
		"\"\xed\xa0\x80\"":                 ErrUTF8,
		strings.Repeat("[", 201):           ErrDepth,
		strings.Repeat(`{"a":`, 300) + "1": ErrDepth,
		strings.Repeat("[", 200) + "x":     ErrJSON,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func TestAppend(t *testing.T) {
	tree := map[string]any{
		"b": []any{nil, true, Number("7.0"), "é\"\\\n\x00"}, "a": map[string]any{}, "\xed\xa0\x80": "\xed\xb0\x80x",
	}
	const want = `{"a":{},"b":[null,true,7.0,"é\"\\\u000a\u0000"],"\ud800":"\udc00x"}`
	if got := string(Append(nil, tree)); got != want {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("it writes what Parse did not make")
		}
	}()
	Append(nil, 7)
}

func TestMarshal(t *testing.T) {
	text, err := Marshal(map[string]any{"a": "<&>", "n": Number("1.50")})
	if err != nil || string(text) != `{"a":"<&>","n":1.50}` {
		t.Error(string(text), err)
	}
	if _, err := Marshal(func() {}); err == nil {
		t.Error("a function is no JSON")
	}
	if got := string(EscapeSeparators([]byte("\"a\u0085b\u2028c\u2029\""))); got != `"a\u0085b\u2028c\u2029"` {
		t.Error(got)
	}
}

// What encoding/json takes, Parse takes, and what it wrote means the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x",null]}`, `"😀"`, `"\ud800"`, `-1.5e3`, "[", `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := Parse(text)
		if err != nil {
			return
		}
		written := Append(nil, tree)
		again, err := Parse(written)
		if err != nil || !reflect.DeepEqual(again, tree) {
			t.Fatalf("%q became %q: %v", text, written, err)
		}
		if !json.Valid(written) || !utf8.Valid(written) {
			t.Fatalf("%q is no JSON", written)
		}
	})
}
