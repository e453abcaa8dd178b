// The Go SDK's quick start with one tool, as like the sample's process_text as a function with typed arguments is.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type options struct {
	Uppercase bool  `json:"uppercase,omitempty"`
	Trim      *bool `json:"trim,omitempty"`
}

type input struct {
	Text    string   `json:"text"`
	Options *options `json:"options,omitempty"`
}

type metadata struct {
	ProcessedAt  time.Time `json:"processed_at"`
	InputLength  int       `json:"input_length"`
	OutputLength int       `json:"output_length"`
	WordCount    int       `json:"word_count"`
}

type output struct {
	Result   string   `json:"result"`
	Metadata metadata `json:"metadata"`
}

func processText(_ context.Context, _ *mcp.CallToolRequest, in input) (*mcp.CallToolResult, output, error) {
	result := in.Text
	if in.Options == nil || in.Options.Trim == nil || *in.Options.Trim {
		result = strings.TrimSpace(result)
	}
	if in.Options != nil && in.Options.Uppercase {
		result = strings.ReplaceAll(strings.ToUpper(result), "ß", "SS")
	}
	return nil, output{result, metadata{
		time.Now().UTC(), utf8.RuneCountInString(in.Text), utf8.RuneCountInString(result), len(strings.Fields(result)),
	}}, nil
}

func main() {
	server := mcp.NewServer(&mcp.Implementation{Name: "quick-start", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{
		Name:        "process_text",
		Description: "Trim a text, optionally convert it to upper case, and count its characters and words.",
	}, processText)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], handler))
}
