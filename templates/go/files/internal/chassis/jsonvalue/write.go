package jsonvalue

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// Append writes a tree that Parse made, with the keys of every object sorted: equal values give equal texts.
func Append(text []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(text, "null"...)
	case bool:
		return strconv.AppendBool(text, value)
	case Number:
		return append(text, value...)
	case string:
		return appendString(text, value)
	case []any:
		text = append(text, '[')
		for i, item := range value {
			if i > 0 {
				text = append(text, ',')
			}
			text = Append(text, item)
		}
		return append(text, ']')
	case map[string]any:
		text = append(text, '{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(appendString(text, key), ':')
			text = Append(text, value[key])
		}
		return append(text, '}')
	default:
		panic("jsonvalue: not a tree that Parse made")
	}
}

// MarshalJSON keeps the number as it was written.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func appendString(text []byte, value string) []byte {
	text = append(text, '"')
	for i := 0; i < len(value); {
		c := value[i]
		switch {
		case c == '"' || c == '\\':
			text = append(text, '\\', c)
		case c < ' ':
			text = append(text, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			text = append(text, c)
		default:
			char, size := utf8.DecodeRuneInString(value[i:])
			if char == utf8.RuneError && size == 1 && i+2 < len(value) && c == 0xED {
				unit := 0xD000 | uint64(value[i+1]&0x3F)<<6 | uint64(value[i+2]&0x3F)
				text = strconv.AppendUint(append(text, `\u`...), unit, 16)
				i += 3
				continue
			}
			text = append(text, value[i:i+size]...)
			i += size
			continue
		}
		i++
	}
	return append(text, '"')
}

// Marshal is json.Marshal without escapes for HTML.
func Marshal(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

var separators = []struct{ raw, escaped []byte }{
	{[]byte("\u0085"), []byte(`\u0085`)},
	{[]byte("\u2028"), []byte(`\u2028`)},
	{[]byte("\u2029"), []byte(`\u2029`)},
}

// EscapeSeparators escapes in a JSON text what some clients take for the end of a line: U+0085, U+2028, U+2029.
func EscapeSeparators(text []byte) []byte {
	for _, separator := range separators {
		if bytes.Contains(text, separator.raw) {
			text = bytes.ReplaceAll(text, separator.raw, separator.escaped)
		}
	}
	return text
}
