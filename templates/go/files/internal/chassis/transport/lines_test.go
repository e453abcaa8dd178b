package transport

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	text := "one\n\n" + strings.Repeat("x", 11) + "\ntwo\r\n" + strings.Repeat("y", 200_000) + "\n" + strings.Repeat("z", 10) + "\nlast"
	for name, in := range map[string]io.Reader{
		"at once": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text)),
	} {
		lines := newLineReader(in, 10)
		for _, want := range []string{"one", "", "long", "two\r", "long", strings.Repeat("z", 10), "last", "end"} {
			line, err := lines.next()
			got := string(line)
			if errors.Is(err, errLineTooLong) {
				got = "long"
			} else if errors.Is(err, io.EOF) {
				got = "end"
			}
			if got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	if _, err := newLineReader(iotest.ErrReader(errors.New("broken")), 10).next(); err == nil {
		t.Error("a broken input is no end")
	}
}

func TestIDs(t *testing.T) {
	for text, want := range map[string]any{
		"7": int64(7), "7.0": int64(7), "-1": int64(-1), `"x"`: "x", `""`: "", "9007199254740991": int64(9007199254740991),
		"7.5": nil, "9007199254740993": nil, "1e400": nil, `"\ud800"`: nil, "null": nil, "true": nil, "{}": nil, "[]": nil,
	} {
		m, err := parseMessage([]byte(`{"jsonrpc":"2.0","method":"ping","id":` + text + "}"))
		if err != nil {
			if want != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if m.id != want {
			t.Errorf("%s: %v", text, m.id)
		}
	}
}
