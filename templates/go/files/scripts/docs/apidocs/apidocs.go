// Package apidocs writes docs/api.md from the contracts.
package apidocs

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type contract struct {
	Name, Title, Description, Version, Scope, URI, URITemplate, MIMEType string

	SideEffects  *string
	Annotations  map[string]bool
	Errors       []documented
	InputSchema  schema
	OutputSchema schema
	Arguments    []struct {
		Name, Description string
		Required          bool
	}
}

type documented struct{ Code, Description string }

type schema struct {
	Type, Description, Pattern, Format string

	Properties           map[string]schema
	Required             []string
	Items                *schema
	Enum                 []any
	Default              json.RawMessage
	MinLength, MaxLength *json.Number
	MinItems, MaxItems   *json.Number
	Minimum, Maximum     *json.Number
}

// Render is the text of docs/api.md for a folder of contracts.
func Render(folder string) (string, error) {
	tools, err := read(folder, "tools")
	if err != nil {
		return "", err
	}
	resources, err := read(folder, "resources")
	if err != nil {
		return "", err
	}
	prompts, err := read(folder, "prompts")
	if err != nil {
		return "", err
	}
	blocks := []string{"# API", "Written by `make docs` from `contracts/`; do not edit.", "## Tools"}
	common := commonErrors(tools)
	if len(common) > 0 {
		blocks = append(blocks, "Errors of every tool:", errorTable(common))
	}
	for _, t := range tools {
		blocks = append(blocks, tool(t, common)...)
	}
	blocks = append(blocks, "## Resources")
	for _, r := range resources {
		blocks = append(blocks, head(r)...)
	}
	blocks = append(blocks, "## Prompts")
	for _, p := range prompts {
		blocks = append(blocks, prompt(p)...)
	}
	return strings.Join(blocks, "\n\n") + "\n", nil
}

func read(folder, kind string) ([]contract, error) {
	files, err := filepath.Glob(filepath.Join(folder, kind, "*.json"))
	if err != nil {
		return nil, err
	}
	contracts := make([]contract, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &contracts[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return contracts, nil
}

func commonErrors(tools []contract) []documented {
	if len(tools) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(tools[0].Errors), func(e documented) bool {
		return slices.ContainsFunc(tools, func(t contract) bool { return !slices.Contains(t.Errors, e) })
	})
}

func tool(t contract, common []documented) []string {
	blocks := append(head(t), "Input:", fields(t.InputSchema), "Output:", fields(t.OutputSchema))
	own := slices.DeleteFunc(slices.Clone(t.Errors), func(e documented) bool { return slices.Contains(common, e) })
	if len(own) > 0 {
		blocks = append(blocks, "Errors, besides those of every tool:", errorTable(own))
	}
	return blocks
}

func prompt(p contract) []string {
	var rows [][]string
	for _, a := range p.Arguments {
		rows = append(rows, []string{code(a.Name), yes(a.Required), text(a.Description)})
	}
	return append(head(p), "Arguments:", tableOr(rows, "argument", "required", "meaning"))
}

func head(c contract) []string {
	var facts []string
	for _, fact := range [][2]string{
		{"URI", c.URI}, {"URI template", c.URITemplate}, {"MIME type", c.MIMEType}, {"Scope", c.Scope},
	} {
		if fact[1] != "" {
			facts = append(facts, fact[0]+": "+code(fact[1]))
		}
	}
	if c.Annotations != nil {
		var words []string
		for _, hint := range [][2]string{
			{"readOnlyHint", "read-only"}, {"destructiveHint", "destructive"}, {"idempotentHint", "idempotent"},
			{"openWorldHint", "open world"},
		} {
			word := hint[1]
			if !c.Annotations[hint[0]] {
				word = "not " + word
			}
			words = append(words, word)
		}
		facts = append(facts, "Annotations: "+strings.Join(words, ", "))
	}
	if c.SideEffects != nil {
		facts = append(facts, "Side effects: "+text(*c.SideEffects))
	}
	facts = append(facts, "Contract version: "+c.Version)
	return []string{
		"### " + code(c.Name), text(c.Title) + ". " + text(c.Description), "- " + strings.Join(facts, "\n- "),
	}
}

func fields(s schema) string {
	return tableOr(rows(s, ""), "field", "type", "required", "constraints", "meaning")
}

// rows has one for each property, required ones first; right after it, those of its children.
func rows(s schema, prefix string) [][]string {
	names := slices.SortedFunc(maps.Keys(s.Properties), func(a, b string) int {
		if ra, rb := slices.Contains(s.Required, a), slices.Contains(s.Required, b); ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var all [][]string
	for _, name := range names {
		path, node := prefix+name, s.Properties[name]
		required := slices.Contains(s.Required, name)
		all = append(all, []string{code(path), typeOf(node), yes(required), constraints(node), text(node.Description)})
		for node.Type == "array" && node.Items != nil {
			path, node = path+"[]", *node.Items
		}
		all = append(all, rows(node, path+".")...)
	}
	return all
}

func typeOf(s schema) string {
	switch {
	case s.Type == "":
		return "any"
	case s.Type == "array" && s.Items != nil:
		return "array of " + typeOf(*s.Items)
	case s.Type == "array":
		return "array of any"
	default:
		return s.Type
	}
}

func constraints(s schema) string {
	var parts []string
	if s.Enum != nil {
		var values []string
		for _, value := range s.Enum {
			values = append(values, code(compact(value)))
		}
		parts = append(parts, "one of "+strings.Join(values, ", "))
	}
	for _, r := range []struct {
		label     string
		low, high *json.Number
	}{{"length", s.MinLength, s.MaxLength}, {"items", s.MinItems, s.MaxItems}, {"value", s.Minimum, s.Maximum}} {
		switch {
		case r.low != nil && r.high != nil:
			parts = append(parts, fmt.Sprintf("%s %s to %s", r.label, *r.low, *r.high))
		case r.low != nil:
			parts = append(parts, fmt.Sprintf("%s at least %s", r.label, *r.low))
		case r.high != nil:
			parts = append(parts, fmt.Sprintf("%s at most %s", r.label, *r.high))
		}
	}
	if s.Pattern != "" {
		parts = append(parts, "matches "+code(s.Pattern))
	}
	if s.Format != "" {
		parts = append(parts, "format "+code(s.Format))
	}
	if s.Default != nil {
		parts = append(parts, "default "+code(compact(s.Default)))
	}
	return strings.Join(parts, "; ")
}

func errorTable(errors []documented) string {
	var rows [][]string
	for _, e := range errors {
		rows = append(rows, []string{code(e.Code), text(e.Description)})
	}
	return tableOr(rows, "code", "when")
}

func tableOr(rows [][]string, head ...string) string {
	if len(rows) == 0 {
		return "None."
	}
	line := func(cells []string) string {
		return "| " + strings.Join(cells, " | ") + " |"
	}
	lines := []string{line(head), "|" + strings.Repeat(" --- |", len(head))}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		lines = append(lines, line(row))
	}
	return strings.Join(lines, "\n")
}

func yes(value bool) string {
	if value {
		return "yes"
	}
	return "no"
}

func text(value string) string {
	return strings.NewReplacer("\n", " ", "<", "&lt;").Replace(value)
}

func code(value string) string {
	if strings.Contains(value, "`") {
		return "`` " + value + " ``"
	}
	return "`" + value + "`"
}

// compact is JSON without spaces, with sorted keys.
func compact(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(out.String(), "\n")
}
