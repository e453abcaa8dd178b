package settings

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Settings are those of every server of the standard; MCP_… in the README's table.
type Settings struct {
	ServerName     string
	Transport      string
	Host           string
	Port           int
	PublicURL      *url.URL
	AllowedHosts   []string
	AllowedOrigins []string
	TrustedProxies []netip.Prefix

	LogLevel  string
	LogFormat string
	Debug     bool

	EnableWrites  bool
	ToolsEnabled  []string
	ToolsDisabled []string

	AuthMode             string
	AuthIssuer           string
	AuthAudience         string
	JWKSURL              *url.URL
	JWKSFile             string
	AllowUnauthenticated bool

	RatePerMinute  int
	RateBurst      int
	MaxConcurrency int
	MaxQueue       int
	ToolTimeout    time.Duration
	MaxBodyBytes   int
	MaxResultBytes int

	ShutdownDelay time.Duration
	ShutdownGrace time.Duration

	StateURL      *Secret
	StateTTL      time.Duration
	MaxOperations int

	RetryAttempts   int
	BreakerFailures int
	BreakerReset    time.Duration

	OTLPEndpoint *url.URL
	// Proxy is how outgoing requests find theirs; never for loopback addresses.
	Proxy func(*url.URL) (*url.URL, error)
}

// Read reads the standard's settings. The name is the server's default one; toolNames are all that may be enabled.
func Read(r *Reader, name string, toolNames []string) Settings {
	s := Settings{
		ServerName:     r.Text("MCP_SERVER_NAME", name, 200),
		Transport:      r.Choice("MCP_TRANSPORT", "stdio", "stdio", "http"),
		Host:           r.Text("MCP_SERVER_HOST", "127.0.0.1", 255),
		Port:           r.Int("MCP_SERVER_PORT", 8000, 0, 65_535),
		PublicURL:      r.URL("MCP_PUBLIC_URL", true),
		AllowedHosts:   r.List("MCP_ALLOWED_HOSTS"),
		AllowedOrigins: r.List("MCP_ALLOWED_ORIGINS"),
		TrustedProxies: r.Networks("MCP_TRUSTED_PROXIES"),

		LogLevel:  r.Choice("MCP_LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARNING", "ERROR"),
		LogFormat: r.Choice("MCP_LOG_FORMAT", "json", "json", "console"),
		Debug:     r.Bool("MCP_DEBUG_MODE", false),

		EnableWrites:  r.Bool("MCP_ENABLE_WRITES", false),
		ToolsEnabled:  r.List("MCP_TOOLS_ENABLED"),
		ToolsDisabled: r.List("MCP_TOOLS_DISABLED"),

		AuthMode:             r.Choice("MCP_AUTH_MODE", "none", "none", "jwt"),
		JWKSURL:              r.URL("MCP_AUTH_JWKS_URL", false),
		AllowUnauthenticated: r.Bool("MCP_ALLOW_UNAUTHENTICATED", false),

		RatePerMinute:  r.Count("MCP_RATE_LIMIT_PER_MINUTE", 600, 0),
		RateBurst:      r.Count("MCP_RATE_LIMIT_BURST", 60, 0),
		MaxConcurrency: r.Count("MCP_MAX_CONCURRENCY", 64, 1),
		MaxQueue:       r.Count("MCP_MAX_QUEUE", 256, 0),
		ToolTimeout:    r.Seconds("MCP_TOOL_TIMEOUT_SECONDS", 30, 0.001),
		MaxBodyBytes:   r.Count("MCP_MAX_BODY_BYTES", 1_048_576, 1),
		MaxResultBytes: r.Count("MCP_MAX_RESULT_BYTES", 262_144, 1),

		ShutdownDelay: r.Seconds("MCP_SHUTDOWN_DELAY_SECONDS", 0, 0),
		ShutdownGrace: r.Seconds("MCP_SHUTDOWN_GRACE_SECONDS", 35, 0),

		StateURL:      r.Secret("MCP_STATE_URL", checkStateURL),
		StateTTL:      time.Duration(r.Count("MCP_STATE_TTL_SECONDS", 3600, 1)) * time.Second,
		MaxOperations: r.Count("MCP_MAX_OPERATIONS", 16, 1),

		RetryAttempts:   r.Int("MCP_RETRY_ATTEMPTS", 3, 1, 100),
		BreakerFailures: r.Count("MCP_BREAKER_FAILURES", 5, 1),
		BreakerReset:    r.Seconds("MCP_BREAKER_RESET_SECONDS", 30, 0.001),

		OTLPEndpoint: r.URL("OTEL_EXPORTER_OTLP_ENDPOINT", false),
		Proxy:        r.proxy(),
	}
	r.URL("MCP_AUTH_ISSUER", false)
	s.AuthIssuer = r.env["MCP_AUTH_ISSUER"]
	s.AuthAudience = r.optional("MCP_AUTH_AUDIENCE", 2000)
	s.JWKSFile = r.optional("MCP_AUTH_JWKS_FILE", 4096)
	if len(r.problems) == 0 {
		s.check(r, toolNames)
	}
	return s
}

// optional is text that is null in the published settings while unset.
func (r *Reader) optional(name string, longest int) string {
	value := r.Text(name, "", longest)
	if value == "" {
		r.values[name] = nil
	}
	return value
}

// check finds what is wrong with settings that are fine one by one.
func (s Settings) check(r *Reader, toolNames []string) {
	for name, list := range map[string][]string{
		"MCP_TOOLS_ENABLED": s.ToolsEnabled, "MCP_TOOLS_DISABLED": s.ToolsDisabled,
	} {
		unknown := slices.DeleteFunc(slices.Sorted(slices.Values(list)), func(tool string) bool {
			return slices.Contains(toolNames, tool)
		})
		if len(unknown) > 0 {
			names := strings.Join(slices.Sorted(slices.Values(toolNames)), ", ")
			r.Problem(name, strings.Join(unknown, ","), "expected names among "+names)
		}
	}
	if s.RatePerMinute > 0 && s.RateBurst == 0 {
		r.Problem("MCP_RATE_LIMIT_BURST", "0", "expected at least 1 with a rate limit")
	}
	if s.Transport == "stdio" {
		return
	}
	if s.AuthMode == "none" {
		if !isLoopback(s.Host) && !s.AllowUnauthenticated {
			r.Problem("MCP_SERVER_HOST", s.Host, "expected a loopback address without authentication; "+
				"set MCP_AUTH_MODE=jwt, or MCP_ALLOW_UNAUTHENTICATED=true")
		}
		return
	}
	if s.AuthIssuer == "" {
		r.Problem("MCP_AUTH_ISSUER", "", "expected the issuer's URL with MCP_AUTH_MODE=jwt")
	}
	if (s.JWKSURL == nil) == (s.JWKSFile == "") {
		r.Problem("MCP_AUTH_JWKS_URL", "", "expected it or MCP_AUTH_JWKS_FILE, one of the two")
	}
	if address, err := netip.ParseAddr(s.Host); err == nil && address.IsUnspecified() && s.PublicURL == nil {
		r.Problem("MCP_PUBLIC_URL", "", "expected a URL with jwt on wildcard host "+s.Host)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func checkStateURL(value string) string {
	parsed, ok := parseURL(value)
	if value == "memory://" || ok && (parsed.Scheme == "redis" || parsed.Scheme == "rediss") {
		return ""
	}
	return "expected memory://, redis://HOST or rediss://HOST"
}

// proxy reads the standard variables; the spelling in lower case wins.
func (r *Reader) proxy() func(*url.URL) (*url.URL, error) {
	read := func(name string) string {
		spelled := strings.ToLower(name)
		value := r.env[spelled]
		if value == "" {
			spelled, value = name, r.env[name]
		}
		if proxy, ok := parseURL(value); value != "" && name != "NO_PROXY" && !(ok && isHTTP(proxy)) {
			r.problems = append(r.problems, spelled+": only http:// and https:// proxies are supported")
		}
		return value
	}
	all := read("ALL_PROXY")
	config := httpproxy.Config{HTTPProxy: read("HTTP_PROXY"), HTTPSProxy: read("HTTPS_PROXY"), NoProxy: read("NO_PROXY")}
	if config.HTTPProxy == "" {
		config.HTTPProxy = all
	}
	if config.HTTPSProxy == "" {
		config.HTTPSProxy = all
	}
	return config.ProxyFunc()
}
