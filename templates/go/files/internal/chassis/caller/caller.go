// Package caller carries with a context who is calling, and under which correlation id.
package caller

import (
	"context"
	"regexp"
	"slices"

	"github.com/google/uuid"
)

// Caller is what is known of a call before it runs.
type Caller struct {
	CorrelationID string
	// Subject is the token's, `local` on stdio, or `anonymous`.
	Subject string
	Scopes  []string
	// Key is whose rate limit and whose turn a tool call uses up: the subject, else the client's address.
	Key string
}

// HasScope tells whether the caller may do what needs that scope; nothing is needed for the empty one.
func (c *Caller) HasScope(scope string) bool {
	return scope == "" || slices.Contains(c.Scopes, scope)
}

type key struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// From returns the context's caller; without one, a caller of no name that may do nothing.
func From(ctx context.Context) *Caller {
	if c, ok := ctx.Value(key{}).(*Caller); ok {
		return c
	}
	return &Caller{}
}

var wellFormed = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// CorrelationID is the candidate when it is a well-formed request id, else a new UUID.
func CorrelationID(candidate string) string {
	if wellFormed.MatchString(candidate) {
		return candidate
	}
	return uuid.NewString()
}
