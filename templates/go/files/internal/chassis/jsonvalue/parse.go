// Package jsonvalue reads and writes JSON trees. It is stricter than encoding/json where two parsers could
// disagree about one text: strict UTF-8, bounded depth, and a lone surrogate escape stays visible as a string
// that is not valid UTF-8, where encoding/json would silently replace it.
package jsonvalue

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep objects and lists may be nested.
const MaxDepth = 200

// What is wrong with a text.
var (
	ErrUTF8  = errors.New("not valid UTF-8")
	ErrJSON  = errors.New("not valid JSON")
	ErrDepth = errors.New("nested too deeply")
)

// Number is a number as it was written.
type Number string

// Float is the nearest float64; what is too large is infinite.
func (n Number) Float() float64 {
	value, _ := strconv.ParseFloat(string(n), 64)
	return value
}

// Parse reads one JSON text into nil, bool, Number, string, []any and map[string]any. A leading byte order mark
// is skipped; of equal keys the last one counts.
func Parse(text []byte) (any, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, ErrUTF8
	}
	p := parser{text: text}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at != len(text) {
		return nil, ErrJSON
	}
	return value, nil
}

type parser struct {
	text []byte
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (any, error) {
	p.space()
	switch c := p.peek(); {
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return nil, ErrDepth
		}
		p.at++
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.list(depth + 1)
	case c == '"':
		return p.string()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	default:
		return nil, ErrJSON
	}
}

func (p *parser) word(word string) error {
	if !bytes.HasPrefix(p.text[p.at:], []byte(word)) {
		return ErrJSON
	}
	p.at += len(word)
	return nil
}

func (p *parser) object(depth int) (any, error) {
	object := map[string]any{}
	p.space()
	if p.peek() == '}' {
		p.at++
		return object, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, ErrJSON
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.peek() != ':' {
			return nil, ErrJSON
		}
		p.at++
		if object[key], err = p.value(depth); err != nil {
			return nil, err
		}
		if more, err := p.more('}'); !more {
			return object, err
		}
	}
}

func (p *parser) list(depth int) (any, error) {
	list := []any{}
	p.space()
	if p.peek() == ']' {
		p.at++
		return list, nil
	}
	for {
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
		if more, err := p.more(']'); !more {
			return list, err
		}
	}
}

func (p *parser) more(end byte) (bool, error) {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		return true, nil
	case end:
		p.at++
		return false, nil
	default:
		return false, ErrJSON
	}
}

func (p *parser) number() (any, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		return nil, ErrJSON
	}
	if p.peek() == '.' {
		p.at++
		if !p.digits() {
			return nil, ErrJSON
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return nil, ErrJSON
		}
	}
	return Number(p.text[start:p.at]), nil
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

func (p *parser) string() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			plain := string(p.text[start:p.at])
			p.at++
			return plain, nil
		case c == '\\':
			return p.escaped(append([]byte(nil), p.text[start:p.at]...))
		case c < ' ':
			return "", ErrJSON
		}
		p.at++
	}
	return "", ErrJSON
}

// escaped goes on with a string at its first escape.
func (p *parser) escaped(plain []byte) (string, error) {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(plain), nil
		case c < ' ':
			return "", ErrJSON
		case c != '\\':
			plain = append(plain, c)
			continue
		}
		c = p.peek()
		p.at++
		switch c {
		case '"', '\\', '/':
			plain = append(plain, c)
		case 'b':
			plain = append(plain, '\b')
		case 'f':
			plain = append(plain, '\f')
		case 'n':
			plain = append(plain, '\n')
		case 'r':
			plain = append(plain, '\r')
		case 't':
			plain = append(plain, '\t')
		case 'u':
			unit, ok := p.unit()
			if !ok {
				return "", ErrJSON
			}
			plain = p.rune(plain, unit)
		default:
			return "", ErrJSON
		}
	}
	return "", ErrJSON
}

func (p *parser) unit() (rune, bool) {
	if p.at+4 > len(p.text) {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 32)
	p.at += 4
	return rune(unit), err == nil
}

// rune appends what an escape stands for; a lone surrogate becomes its three bytes, which are no valid UTF-8.
func (p *parser) rune(plain []byte, unit rune) []byte {
	if !utf16.IsSurrogate(unit) {
		return utf8.AppendRune(plain, unit)
	}
	if bytes.HasPrefix(p.text[p.at:], []byte(`\u`)) {
		rest := parser{text: p.text, at: p.at + 2}
		if second, ok := rest.unit(); ok {
			if whole := utf16.DecodeRune(unit, second); whole != utf8.RuneError {
				p.at = rest.at
				return utf8.AppendRune(plain, whole)
			}
		}
	}
	return append(plain, 0xED, byte(0x80|unit>>6&0x3F), byte(0x80|unit&0x3F))
}
