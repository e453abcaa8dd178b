// Package text treats text as Unicode defines it: code points, White_Space, full case mapping.
package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Length is the number of code points.
func Length(s string) int { return utf8.RuneCountInString(s) }

// Trim removes White_Space at both ends. Like strings.TrimSpace, it leaves U+FEFF, which is none.
func Trim(s string) string { return strings.TrimSpace(s) }

// Words counts what White_Space separates.
func Words(s string) int { return len(strings.Fields(s)) }

// Upper is the full mapping to upper case, where strings.ToUpper maps one code point to one: ß becomes SS.
func Upper(s string) string { return cases.Upper(language.Und).String(s) }

// Cut is at most so many code points of a text that a message repeats, made well-formed.
func Cut(s string, longest int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest])
	}
	return s
}

// escapes are control sequences such as colours, and strings such as window titles.
var escapes = regexp.MustCompile(
	`(?s)\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x{9c}|$)|\x1b[ -/]*[0-~]?`)

// Clean removes what text from outside must not carry to a terminal or a model: terminal escapes, control
// characters but newline and tab, bidirectional overrides, Unicode tags. What is ill-formed becomes U+FFFD.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.ContainsRune(s, '\x1b') {
		s = escapes.ReplaceAllString(s, "")
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || isInvisible(r)) {
			return -1
		}
		return r
	}, s)
}

func isInvisible(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r >= 0xE0000 && r <= 0xE007F
}

// CleanTree cleans every string and key of a JSON tree.
func CleanTree(value any) any {
	switch value := value.(type) {
	case string:
		return Clean(value)
	case []any:
		for i, item := range value {
			value[i] = CleanTree(item)
		}
	case map[string]any:
		clean := make(map[string]any, len(value))
		for key, member := range value {
			clean[Clean(key)] = CleanTree(member)
		}
		return clean
	}
	return value
}
