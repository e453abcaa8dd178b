package transport

import (
	"mime"
	"strconv"
	"strings"
)

// accepts tells whether both types may be sent.
func accepts(lines []string) bool {
	ranges := map[string]bool{}
	for entry := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if kind, parameters, err := mime.ParseMediaType(entry); err == nil {
			quality, err := strconv.ParseFloat(parameters["q"], 64)
			ranges[kind] = err != nil || quality > 0
		}
	}
	return allows(ranges, "application/json", "application/*") && allows(ranges, "text/event-stream", "text/*")
}

// allows lets the most specific range decide.
func allows(ranges map[string]bool, specific ...string) bool {
	for _, kind := range append(specific, "*/*") {
		if allowed, ok := ranges[kind]; ok {
			return allowed
		}
	}
	return false
}
