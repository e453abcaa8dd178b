// Package fault is the taxonomy of errors that a client can see: a code, its category, a message that names
// the field or key and the reason, and never the value that was refused.
package fault

import (
	"errors"
	"math"
	"net/http"
	"time"
)

// Category says whose fault it is; it labels metrics and logs.
type Category string

// The categories.
const (
	Client   Category = "client_error"
	Domain   Category = "business_error"
	Internal Category = "server_error"
)

// Code names one kind of error; clients decide by it.
type Code string

// The codes of the chassis. Tools add their own with [Business].
const (
	InvalidArgument       Code = "invalid_argument"
	InvalidRequest        Code = "invalid_request"
	Unauthenticated       Code = "unauthenticated"
	InsufficientScope     Code = "insufficient_scope"
	Forbidden             Code = "forbidden"
	NotAcceptable         Code = "not_acceptable"
	TooLarge              Code = "too_large"
	UnsupportedMediaType  Code = "unsupported_media_type"
	RateLimited           Code = "rate_limited"
	OperationNotFound     Code = "operation_not_found"
	StateConflict         Code = "state_conflict"
	TooManyOperations     Code = "too_many_operations"
	Overloaded            Code = "overloaded"
	ShuttingDown          Code = "shutting_down"
	DependencyUnavailable Code = "dependency_unavailable"
	Timeout               Code = "timeout"
	ResultTooLarge        Code = "result_too_large"
	Unexpected            Code = "internal"
)

type kind struct {
	category Category
	status   int
	message  string
}

var kinds = map[Code]kind{
	InvalidArgument:       {Client, http.StatusBadRequest, "Invalid arguments"},
	InvalidRequest:        {Client, http.StatusBadRequest, "Invalid request"},
	Unauthenticated:       {Client, http.StatusUnauthorized, "a valid bearer token is required"},
	InsufficientScope:     {Client, http.StatusForbidden, "scope required"},
	Forbidden:             {Client, http.StatusForbidden, "forbidden"},
	NotAcceptable:         {Client, http.StatusNotAcceptable, "Accept must allow application/json and text/event-stream"},
	TooLarge:              {Client, http.StatusRequestEntityTooLarge, "request body is larger than allowed"},
	UnsupportedMediaType:  {Client, http.StatusUnsupportedMediaType, "content type must be application/json"},
	RateLimited:           {Client, http.StatusTooManyRequests, "rate limit exceeded"},
	OperationNotFound:     {Domain, 0, "operation_id: no such operation"},
	StateConflict:         {Domain, 0, "idempotency_key: already used with other arguments"},
	TooManyOperations:     {Domain, 0, "too many running operations"},
	Overloaded:            {Internal, http.StatusServiceUnavailable, "the server is at capacity"},
	ShuttingDown:          {Internal, http.StatusServiceUnavailable, "the server is shutting down"},
	DependencyUnavailable: {Internal, http.StatusServiceUnavailable, "a dependency is unavailable"},
	Timeout:               {Internal, 0, "the tool did not finish in time"},
	ResultTooLarge:        {Internal, 0, "the result is larger than allowed"},
	Unexpected:            {Internal, 0, "internal error"},
}

// Error is an error whose message and details may be shown to the client; its cause may not.
type Error struct {
	Code     Code
	Category Category
	Message  string
	Details  map[string]any
	cause    error
}

// New is the error of a code of the chassis, with its usual message.
func New(code Code) *Error {
	kind := kinds[code]
	return &Error{Code: code, Category: kind.category, Message: kind.message}
}

// Business is an error that a tool names itself: what was asked for cannot be done, and nobody failed.
func Business(code Code, message string) *Error {
	return &Error{Code: code, Category: Domain, Message: message}
}

// Saying replaces the message.
func (e *Error) Saying(message string) *Error {
	e.Message = message
	return e
}

// With adds a detail.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[key] = value
	return e
}

// Because keeps the cause for logs and errors.Is.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// RetryAfter tells the client when to come back: whole seconds, at least one.
func (e *Error) RetryAfter(wait time.Duration) *Error {
	return e.With("retry_after_seconds", max(1, int(math.Ceil(wait.Seconds()))))
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, fault.New(code)) compare codes.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// Status is the HTTP status of a refusal; an error that only tools raise has none and reads as 500.
func (e *Error) Status() int {
	if status := kinds[e.Code].status; status != 0 {
		return status
	}
	return http.StatusInternalServerError
}

// Payload is the error as clients see it.
type Payload struct {
	Category      Category       `json:"category"`
	Code          Code           `json:"code"`
	Message       string         `json:"message"`
	Details       map[string]any `json:"details"`
	CorrelationID string         `json:"correlation_id"`
}

// Payload is what goes out for the call of that correlation id.
func (e *Error) Payload(correlationID string) Payload {
	details := e.Details
	if details == nil {
		details = map[string]any{}
	}
	return Payload{e.Category, e.Code, e.Message, details, correlationID}
}

// Of finds the error that is meant for the client; anything else becomes `internal`, its own text kept back.
func Of(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return New(Unexpected).Because(err)
}
