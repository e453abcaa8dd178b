package transport

import (
	"bytes"
	"errors"
	"io"
)

// lineReader reads lines of a bounded length; what is longer is skipped without being kept.
type lineReader struct {
	in    io.Reader
	limit int
	// rest is what was read of the next lines.
	rest  []byte
	chunk []byte
	done  error
}

var errLineTooLong = errors.New("transport: line too long")

func newLineReader(in io.Reader, limit int) *lineReader {
	return &lineReader{in: in, limit: limit, chunk: make([]byte, 64<<10)}
}

// next returns a line of its own memory, the last one also without a newline; then io.EOF.
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		end := bytes.IndexByte(l.rest, '\n')
		part := l.rest
		if end >= 0 {
			part = l.rest[:end]
		}
		if tooLong = tooLong || len(line)+len(part) > l.limit; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		if end >= 0 {
			l.rest = l.rest[end+1:]
			break
		}
		if l.rest = nil; l.done != nil {
			if len(line) == 0 && !tooLong {
				return nil, l.done
			}
			break
		}
		n, err := l.in.Read(l.chunk)
		l.rest, l.done = l.chunk[:n], err
	}
	if tooLong {
		return nil, errLineTooLong
	}
	return line, nil
}
