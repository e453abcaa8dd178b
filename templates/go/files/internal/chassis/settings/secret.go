package settings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"unicode/utf8"
)

// Secret is a value from the environment, or from a file that may be replaced while the server runs.
type Secret struct {
	// Name is the variable; the only part that may be logged.
	Name  string
	value string
	path  string
	check func(string) string
	// onRead is told each time the file is read.
	onRead func(ctx context.Context, name string)

	mu   sync.Mutex
	info os.FileInfo
}

// Secret reads NAME or NAME_FILE; nil when neither is set. Check returns what is expected instead of a value that
// cannot be used; the value itself is never shown.
func (r *Reader) Secret(name string, check func(string) string) *Secret {
	file := name + "_FILE"
	r.known = append(r.known, name, file)
	value, path := r.env[name], r.env[file]
	switch {
	case value == "" && path == "":
		return nil
	case value != "" && path != "":
		r.problems = append(r.problems, fmt.Sprintf("%s: expected only one of %s and %s", name, name, file))
		return nil
	}
	secret := &Secret{Name: name, value: value, path: path, check: check}
	if path == "" {
		if problem := secret.wrong(value); problem != "" {
			r.problems = append(r.problems, name+": "+problem)
		}
		return secret
	}
	value, _, err := secret.load()
	var invalid invalidSecretError
	switch {
	case errors.As(err, &invalid):
		r.problems = append(r.problems, file+": "+string(invalid))
	case err != nil:
		r.problems = append(r.problems, fmt.Sprintf("%s=%s: expected a readable file", file, printable(path)))
	}
	secret.value = value
	return secret
}

// OnRead sets who is told, by name, whenever a file is read.
func (s *Secret) OnRead(tell func(ctx context.Context, name string)) {
	if s != nil {
		s.onRead = tell
	}
}

// Read returns the value. A file is read again when it changed; while it cannot be used, its last good value counts.
func (s *Secret) Read(ctx context.Context) string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		return s.value
	}
	info, err := os.Stat(s.path)
	if err != nil || s.info != nil && sameFile(info, s.info) {
		return s.value
	}
	value, info, err := s.load()
	if err != nil {
		return s.value
	}
	s.value, s.info = value, info
	if s.onRead != nil {
		s.onRead(ctx, s.Name)
	}
	return s.value
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

type invalidSecretError string

func (e invalidSecretError) Error() string { return string(e) }

func (s *Secret) load() (string, os.FileInfo, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return "", nil, err
	}
	content, err := os.ReadFile(s.path)
	if err != nil {
		return "", nil, err
	}
	value := Trim(string(content))
	if problem := s.wrong(value); problem != "" {
		return "", nil, invalidSecretError(problem)
	}
	return value, info, nil
}

func (s *Secret) wrong(value string) string {
	switch {
	case !utf8.ValidString(value):
		return "expected UTF-8"
	case value == "":
		return "expected a value that is not empty"
	case serviceLink.MatchString(value):
		return linkProblem
	}
	return s.check(value)
}

// VisibleASCII is the check of secrets that go into a header.
func VisibleASCII(value string) string {
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return "expected visible ASCII characters only"
		}
	}
	return ""
}
