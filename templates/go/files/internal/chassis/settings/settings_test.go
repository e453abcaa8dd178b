package settings

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func load(environ ...string) (Settings, *Reader) {
	r := NewReader(environ)
	return Read(r, "name", []string{"echo"}), r
}

func problems(r *Reader) string {
	if err := r.Err(); err != nil {
		return err.Error()
	}
	return ""
}

func TestDefaults(t *testing.T) {
	s, r := load("PATH=/bin", "MCP_LOG_LEVEL=  ")
	if r.Err() != nil || s.ServerName != "name" || s.ToolTimeout != 30*time.Second || s.LogLevel != "INFO" {
		t.Error(s, r.Err())
	}
	if values := r.Values(); values["MCP_AUTH_AUDIENCE"] != nil || values["MCP_TOOL_TIMEOUT_SECONDS"] != 30.0 {
		t.Error(values)
	}
}

func TestSpellings(t *testing.T) {
	s, r := load("MCP_TRANSPORT=\ufeff HTTP \r", "MCP_DEBUG_MODE=TRUE", "MCP_ENABLE_WRITES=1", "MCP_SERVER_PORT=0",
		"MCP_ALLOWED_HOSTS= a ,, b,", "MCP_TOOL_TIMEOUT_SECONDS=1.5", "MCP_TRUSTED_PROXIES=10.0.0.1/8, ::1",
		"MCP_PUBLIC_URL=https://h.example/team", "MCP_TOOLS_ENABLED=echo")
	if r.Err() != nil || s.Transport != "http" || !s.Debug || !s.EnableWrites || s.ToolTimeout != 1500*time.Millisecond ||
		!slices.Equal(s.AllowedHosts, []string{"a", "b"}) || len(s.TrustedProxies) != 2 {
		t.Errorf("%+v %v", s, r.Err())
	}
}

func TestWhatIsWrongIsALineEach(t *testing.T) {
	for environ, want := range map[string]string{
		"MCP_SERVER_PORT=8_000":          "MCP_SERVER_PORT=8_000: expected an integer from 0 to 65535",
		"MCP_SERVER_PORT=+80":            "MCP_SERVER_PORT=+80: expected an integer from 0 to 65535",
		"MCP_SERVER_PORT=tcp://10.0.0.1": "MCP_SERVER_PORT=tcp://10.0.0.1: " + linkProblem,
		"MCP_TRANSPORT=pigeon":           "MCP_TRANSPORT=pigeon: expected stdio or http",
		"MCP_LOG_LEVEL=LOUD":             "MCP_LOG_LEVEL=LOUD: expected DEBUG, INFO, WARNING or ERROR",
		"MCP_DEBUG_MODE=2":               "MCP_DEBUG_MODE=2: expected true or false",
		"MCP_TOOL_TIMEOUT_SECONDS=.5":    "MCP_TOOL_TIMEOUT_SECONDS=.5: expected a number from 0.001 to 86400",
		"MCP_TOOL_TIMEOUT_SECONDS=nan":   "MCP_TOOL_TIMEOUT_SECONDS=nan: expected a number from 0.001 to 86400",
		"MCP_TRUSTED_PROXIES=10.0.0.0/99": "MCP_TRUSTED_PROXIES=10.0.0.0/99: " +
			"expected a comma list of addresses or networks",
		"MCP_SERVER_NAME=" + strings.Repeat("é", 201): "MCP_SERVER_NAME=" + strings.Repeat("é", 100) +
			"…: expected at most 200 characters",
		"MCP_SERVER_NAME=\x1b[31m" + strings.Repeat("x", 300): "MCP_SERVER_NAME=?[31m" + strings.Repeat("x", 95) +
			"…: expected at most 200 characters",
		"MCP_PUBLIC_URL=https://u:pw@h/?q=1": "MCP_PUBLIC_URL=https://h/: " +
			"expected an http or https URL without user information, query and fragment",
		"MCP_PUBLIC_URL=https://h:0":           "MCP_PUBLIC_URL: expected an http or https URL without user information, query and fragment",
		"MCP_AUTH_JWKS_URL=ftp://u:pw@h":       "MCP_AUTH_JWKS_URL=ftp://h: expected an http or https URL",
		"MCP_AUTH_JWKS_URL=http://%zz://pw":    "MCP_AUTH_JWKS_URL: expected an http or https URL",
		"MCP_STATE_URL=redis://:pw@h:notaport": "MCP_STATE_URL: expected memory://, redis://HOST or rediss://HOST",
		"MCP_STATE_URL=tcp://pw":               "MCP_STATE_URL: " + linkProblem,
		"MCP_STATE_URL=a\xffb":                 "MCP_STATE_URL: expected UTF-8",
		"ALL_PROXY=socks5h://u:pw@h":           "ALL_PROXY: only http:// and https:// proxies are supported",
		"https_proxy=h:3128":                   "https_proxy: only http:// and https:// proxies are supported",
		"MCP_TOOLS_DISABLED=rm,echo":           "MCP_TOOLS_DISABLED=rm: expected names among echo",
		"MCP_RATE_LIMIT_BURST=0":               "MCP_RATE_LIMIT_BURST=0: expected at least 1 with a rate limit",
	} {
		if _, r := load(environ); problems(r) != want {
			t.Errorf("%s:\n%s\nwant %s", environ, problems(r), want)
		}
	}
}

func TestWhatDoesNotFitTogether(t *testing.T) {
	_, r := load("MCP_TRANSPORT=http", "MCP_SERVER_HOST=::")
	if got := problems(r); !strings.Contains(got, "MCP_ALLOW_UNAUTHENTICATED=true") {
		t.Error(got)
	}
	_, r = load("MCP_TRANSPORT=http", "MCP_SERVER_HOST=0.0.0.0", "MCP_AUTH_MODE=jwt")
	for _, name := range []string{"MCP_AUTH_ISSUER=:", "MCP_AUTH_JWKS_URL=:", "MCP_PUBLIC_URL=:"} {
		if !strings.Contains(problems(r), name) {
			t.Error(problems(r))
		}
	}
	if _, r := load("MCP_TRANSPORT=http", "MCP_SERVER_HOST=localhost"); r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestUnknownVariables(t *testing.T) {
	_, r := load("MCP_RATE_LIMT_BURST=1", "MCP_TIMEOUT=1", "MCP_RECORDS_PORT_80_TCP=x", "MCP_A_SERVICE_HOST=x", "PATHS=1")
	if unknown := r.Unknown(); len(unknown) != 1 || unknown["MCP_RATE_LIMT_BURST"] != "MCP_RATE_LIMIT_BURST" {
		t.Error(unknown)
	}
}

func TestProxies(t *testing.T) {
	s, r := load("HTTP_PROXY=http://upper:1", "http_proxy=http://lower:1", "ALL_PROXY=http://all:1", "NO_PROXY=.internal")
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	for target, want := range map[string]string{
		"http://h.example": "lower:1", "https://h.example": "all:1", "http://127.0.0.1:9": "", "https://localhost": "",
		"http://a.internal": "",
	} {
		parsed, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if proxy, err := s.Proxy(parsed); err != nil {
			t.Error(err)
		} else if proxy != nil {
			got = proxy.Host
		}
		if got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(content)) * time.Second)
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	write("\ufeff first\n")
	r := NewReader([]string{"KEY_FILE=" + file})
	secret := r.Secret("KEY", VisibleASCII)
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	reads := 0
	secret.OnRead(func(context.Context, string) { reads++ })
	read := func() string { return secret.Read(context.Background()) }
	for range 2 {
		if value := read(); value != "first" || reads != 1 {
			t.Error(value, reads)
		}
	}
	write("second-longer")
	if read() != "second-longer" || reads != 2 {
		t.Error(read(), reads)
	}
	write("no good\x00")
	if read() != "second-longer" {
		t.Error("the last good value counts")
	}
	if err := os.Remove(file); err != nil || read() != "second-longer" {
		t.Error(err, read())
	}
	for environ, want := range map[string]string{
		"KEY_FILE=/nowhere/x": "KEY_FILE=/nowhere/x: expected a readable file",
		"KEY=a b":             "KEY: expected visible ASCII characters only",
		"KEY=a,KEY_FILE=/b":   "KEY: expected only one of KEY and KEY_FILE",
	} {
		r := NewReader(strings.Split(environ, ","))
		r.Secret("KEY", VisibleASCII)
		if problems(r) != want {
			t.Errorf("%s: %s", environ, problems(r))
		}
	}
	write("")
	r = NewReader([]string{"KEY_FILE=" + file})
	if r.Secret("KEY", VisibleASCII); problems(r) != "KEY_FILE: expected a value that is not empty" {
		t.Error(problems(r))
	}
	var none *Secret
	none.OnRead(nil)
	if none.Read(context.Background()) != "" {
		t.Error("no secret is empty")
	}
}
